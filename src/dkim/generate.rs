//! New private keys, as PKCS#8 (RFC 5958).
//!
//! ring signs, but makes no RSA keys: the crate `rsa` draws the primes, and nothing else here or elsewhere uses it.

use anyhow::Context as _;
use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, PrivateKey};

use crate::dkim::der::{INTEGER, OCTET_STRING, RSA_ENCRYPTION, SEQUENCE, element};

/// A PKCS#8 document up to the seed of an Ed25519 key (RFC 8410 section 7).
const ED25519_PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A new Ed25519 key.
pub(super) fn ed25519() -> anyhow::Result<Vec<u8>> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).ok().context(NO_RANDOM)?;
    Ok([&ED25519_PREFIX[..], &seed].concat())
}

/// A new RSA key.
pub(super) fn rsa(bits: usize) -> anyhow::Result<Vec<u8>> {
    let key = PrivateKey::new(&mut Random(SystemRandom::new()), bits).context("failed to make an RSA key")?;
    let exponents = key.dp().zip(key.dq()).zip(key.crt_coefficient());
    let ((dp, dq), inverse) = exponents.context("failed to make an RSA key")?;
    let [p, q] = key.primes() else { anyhow::bail!("failed to make an RSA key") };
    let numbers = [key.n(), key.e(), key.d(), p, q, dp, dq, &inverse].map(integer);
    let pkcs1 = element(SEQUENCE, &[&ZERO, &numbers.concat()]);
    Ok(element(SEQUENCE, &[&ZERO, &RSA_ENCRYPTION, &element(OCTET_STRING, &[&pkcs1])]))
}

const NO_RANDOM: &str = "the system has no random numbers";

/// The version of both PKCS#1 and PKCS#8.
const ZERO: [u8; 3] = [INTEGER, 1, 0];

/// A number in DER: no leading zeros but the one that keeps it positive.
fn integer(number: &BoxedUint) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let sign: &[u8] = if bytes.get(start).is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[sign, &bytes[start..]])
}

/// The system's random numbers, as the crate `rsa` asks for them.
struct Random(SystemRandom);

impl TryRng for Random {
    type Error = NoRandom;

    fn try_next_u32(&mut self) -> Result<u32, NoRandom> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandom> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandom> {
        self.0.fill(bytes).map_err(|Unspecified| NoRandom)
    }
}

impl TryCryptoRng for Random {}

/// The system has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("{NO_RANDOM}")]
struct NoRandom;
