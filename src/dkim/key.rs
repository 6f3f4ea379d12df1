//! Keys that sign: RSA and Ed25519, read from PEM, made anew, and as the DNS has them.

use anyhow::{Context as _, bail};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `rsa-sha256`, which every receiver verifies.
    Rsa,
    /// `ed25519-sha256` (RFC 8463), which some do: never alone.
    Ed25519,
}

/// A private key. It is shown nowhere.
pub enum Key {
    /// RSA of 2048 bits or more, as RFC 8301 section 3.2 wants it.
    Rsa(Box<RsaKeyPair>),
    /// Ed25519.
    Ed25519(Box<Ed25519KeyPair>),
}

/// The public half of a key, as the DNS record needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// How it verifies.
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
    /// When it holds no such key, or one that is too short.
    pub fn from_pem(pem: &[u8]) -> anyhow::Result<Self> {
        // The words of the parser could hold parts of the key.
        let Ok(der) = PrivateKeyDer::from_pem_slice(pem) else {
            bail!("it holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`)");
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
            Err(_) => bail!("its key is neither RSA of 2048 bits or more nor Ed25519"),
        }
    }

    /// A new key, and its PEM in PKCS#8: RSA of 2048 bits, or Ed25519.
    ///
    /// # Errors
    /// When the machine gives no random numbers.
    pub fn generate(algorithm: Algorithm) -> anyhow::Result<(Self, String)> {
        const FAILED: &str = "failed to make a key";
        let (key, der) = match algorithm {
            Algorithm::Rsa => {
                let key = RsaKeyPair::generate(KeySize::Rsa2048).context(FAILED)?;
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).context(FAILED)?.as_ref().to_vec();
                (Self::Rsa(Box::new(key)), der)
            }
            Algorithm::Ed25519 => {
                let key = Ed25519KeyPair::generate().context(FAILED)?;
                let der = key.to_pkcs8v1().context(FAILED)?.as_ref().to_vec();
                (Self::Ed25519(Box::new(key)), der)
            }
        };
        Ok((key, pem(&der)))
    }

    /// How the key signs.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::Rsa,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The public half: SubjectPublicKeyInfo for RSA (RFC 6376 section 3.6.1), the bare key for Ed25519 (RFC 8463
    /// section 4).
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn public(&self) -> anyhow::Result<PublicKey> {
        let bytes = match self {
            Self::Rsa(key) => {
                let der = AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key());
                der.context("failed to encode the public key")?.as_ref().to_vec()
            }
            Self::Ed25519(key) => key.public_key().as_ref().to_vec(),
        };
        Ok(PublicKey { algorithm: self.algorithm(), base64: STANDARD.encode(bytes) })
    }

    /// Signs these bytes: the same bytes always get the same signature.
    pub(super) fn sign(&self, data: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature);
                signed.context("failed to sign with the RSA key")?;
                Ok(signature)
            }
            Self::Ed25519(key) => {
                // RFC 8463 section 3: what is signed is the hash.
                let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
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

fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}
