//! Signing keys: RSA and Ed25519, read from PEM, generated, and encoded for the DNS.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::error::KeyRejected;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::dkim::der::{BIT_STRING, RSA_ENCRYPTION, SEQUENCE, element};
use crate::dkim::generate;

/// The length of new RSA keys: every receiver verifies it (RFC 8301 section 3.2), and its record fits into one DNS answer.
const RSA_BITS: usize = 2048;

/// Signature algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `rsa-sha256`, which every receiver supports.
    Rsa,
    /// `ed25519-sha256` (RFC 8463), which only some support: never use it alone.
    Ed25519,
}

/// A private key. It is never shown.
pub enum Key {
    /// RSA of 2048 to 4096 bits, the range of RFC 8301 section 3.2.
    Rsa(Box<RsaKeyPair>),
    /// Ed25519.
    Ed25519(Box<Ed25519KeyPair>),
}

/// The public half of a key, for the DNS record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The algorithm that verifies with it.
    pub algorithm: Algorithm,
    /// Base64 of the key (`p=`).
    pub base64: String,
}

impl Algorithm {
    /// The value of `a=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }
}

impl Key {
    /// Reads a PEM file: PKCS#8 (`PRIVATE KEY`), or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// If it contains no such key, or ring refuses the key.
    pub fn from_pem(pem: &[u8]) -> anyhow::Result<Self> {
        // The parser's error could contain parts of the key.
        let Ok(der) = PrivateKeyDer::from_pem_slice(pem) else {
            bail!("it contains no private key in PEM format (`-----BEGIN PRIVATE KEY-----`)");
        };
        let rsa = match &der {
            PrivateKeyDer::Pkcs1(pkcs1) => RsaKeyPair::from_der(pkcs1.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(pkcs8) => {
                if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8.secret_pkcs8_der()) {
                    return Ok(Self::Ed25519(Box::new(key)));
                }
                RsaKeyPair::from_pkcs8(pkcs8.secret_pkcs8_der())
            }
            _ => bail!("its key is neither RSA nor Ed25519"),
        };
        match rsa {
            Ok(key) => Ok(Self::Rsa(Box::new(key))),
            Err(why) => bail!(refusal(&why)),
        }
    }

    /// A new key, and its PEM in PKCS#8: RSA of 2048 bits, or Ed25519.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn generate(algorithm: Algorithm) -> anyhow::Result<(Self, String)> {
        let der = match algorithm {
            Algorithm::Rsa => generate::rsa(RSA_BITS)?,
            Algorithm::Ed25519 => generate::ed25519()?,
        };
        let pem = pem(&der);
        Ok((Self::from_pem(pem.as_bytes())?, pem))
    }

    /// The signature algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::Rsa,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The public half: SubjectPublicKeyInfo for RSA (RFC 6376 section 3.6.1), the bare key for Ed25519 (RFC 8463
    /// section 4).
    pub fn public(&self) -> PublicKey {
        let bytes = match self {
            Self::Rsa(key) => {
                let key = element(BIT_STRING, &[&[0], key.public().as_ref()]);
                element(SEQUENCE, &[&RSA_ENCRYPTION, &key])
            }
            Self::Ed25519(key) => key.public_key().as_ref().to_vec(),
        };
        PublicKey { algorithm: self.algorithm(), base64: STANDARD.encode(bytes) }
    }

    /// Signs these bytes; the signature is deterministic.
    pub(super) fn sign(&self, data: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature);
                signed.ok().context("failed to sign with the RSA key")?;
                Ok(signature)
            }
            Self::Ed25519(key) => {
                // RFC 8463 section 3: the hash is signed.
                let hash = digest(&SHA256, data);
                Ok(key.sign(hash.as_ref()).as_ref().to_vec())
            }
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.algorithm().name())
    }
}

impl PublicKey {
    /// The text of the DNS record (RFC 6376 section 3.6.1).
    pub fn record(&self) -> String {
        let kind = match self.algorithm {
            Algorithm::Rsa => "rsa",
            Algorithm::Ed25519 => "ed25519",
        };
        format!("v=DKIM1; k={kind}; p={}", self.base64)
    }
}

/// Why ring refuses a key, and what to do. Its reasons are words, and contain nothing of the key.
fn refusal(why: &KeyRejected) -> String {
    const REMEDY: &str = "make a new one with `slugline key dkim`";
    match why.to_string().as_str() {
        "TooSmall" => format!("its RSA key is shorter than 2048 bits, which receivers no longer trust: {REMEDY}"),
        "TooLarge" => format!("its RSA key is longer than 4096 bits, which receivers need not verify: {REMEDY}"),
        "WrongAlgorithm" => "its key is neither RSA nor Ed25519".to_owned(),
        reason => format!("its key is not a valid RSA or Ed25519 key ({reason}): {REMEDY}"),
    }
}

pub(super) fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}
