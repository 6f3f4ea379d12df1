use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use super::*;

// RFC 8463 appendix A.2: the key of the example, as PKCS#8 (the seed behind the prefix of RFC 8410).
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

const MESSAGE: &str = "From: Weekly <weekly@example.org>\r\nTo: reader@example.com\r\nSubject: The  tides\r\n of spring\r\n\
                       Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nX-Other: not signed\r\n\r\nHello,\r\n\r\n  you  \r\n\r\n";

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_528_637_909, 0).unwrap()
}

fn ed25519() -> Key {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(STANDARD.decode(SEED).unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    Key::from_pem(pem.as_bytes()).unwrap()
}

fn signed(key: Key, message: &str) -> String {
    let signature = Signature { domain: "example.org".to_owned(), selector: "autumn".to_owned(), key };
    String::from_utf8(Signer::new(vec![signature]).sign(message.into(), time()).unwrap().to_vec()).unwrap()
}

#[test]
fn the_key_of_rfc_8463_is_read() {
    let key = ed25519();
    assert_eq!(key.public().record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert_eq!(format!("{key:?}"), "Key(ed25519-sha256)");
}

#[test]
fn a_signature_covers_present_fields_and_oversigns_some() {
    let text = signed(ed25519(), MESSAGE);
    let (signature, message) = text.split_at(text.find("From: ").unwrap());
    assert_eq!(message, MESSAGE);
    let (head, b) = signature.split_once(" b=").unwrap();
    assert_eq!(
        head,
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org;\r\n s=autumn; t=1528637909;\r\n \
         h=From:From:To:To:Subject:Subject:Date:Date:Reply-To:Content-Type:\r\n \
         List-Unsubscribe:List-Unsubscribe-Post;\r\n bh=/Y3lx/l1pJeFQne/mbNzHdBbAalbyZ1/082rNMnMR8M=;\r\n"
    );
    assert!(b.ends_with("==\r\n") && signature.split("\r\n").all(|line| line.len() <= 78), "{signature}");
    assert_eq!(signed(ed25519(), MESSAGE), text, "the same again");
}

#[test]
fn whitespace_that_relays_change_is_not_signed() {
    let changed = MESSAGE.replace("The  tides\r\n of", "The tides of").replace("  you  \r\n\r\n", " you\r\n");
    let signature = |message: &str| signed(ed25519(), message).split_once("\r\nFrom:").unwrap().0.to_owned();
    assert_eq!(signature(MESSAGE), signature(&changed));
    assert_ne!(signature(MESSAGE), signature(&MESSAGE.replace("you", "me")));
    assert_ne!(signature(MESSAGE), signature(&MESSAGE.replace("tides", "tide")));
    assert_eq!(signature(MESSAGE), signature(&MESSAGE.replace("not signed", "changed")));
}

#[test]
fn generated_keys_are_read_back() {
    for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
        let (key, pem) = Key::generate(algorithm).unwrap();
        let read = Key::from_pem(pem.as_bytes()).unwrap();
        assert_eq!((read.algorithm(), read.public()), (algorithm, key.public()));
        assert_eq!(read.sign(b"a").unwrap(), key.sign(b"a").unwrap());
    }
}

#[test]
fn keys_of_other_programs_are_read() {
    let rsa = generate::rsa(2048).unwrap();
    // PKCS#1 is the content of the last element of PKCS#8, after three headers and the algorithm.
    let pkcs1 = &rsa[4 + 3 + 15 + 4..];
    let label = "RSA PRIVATE KEY";
    let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(pkcs1));
    let key = Key::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(key.public(), Key::from_pem(key::pem(&rsa).as_bytes()).unwrap().public());
    // PKCS#8 of version 2 has the public key at its end (RFC 5958).
    let second = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let key = Key::from_pem(key::pem(second.as_ref()).as_bytes()).unwrap();
    assert_eq!(key.algorithm(), Algorithm::Ed25519);
}

#[test]
fn a_key_that_receivers_do_not_trust_is_refused_with_a_remedy() {
    let pem = key::pem(&generate::rsa(1024).unwrap());
    assert_eq!(
        Key::from_pem(pem.as_bytes()).unwrap_err().to_string(),
        "its RSA key is shorter than 2048 bits, which receivers no longer trust: make a new one with `slugline key dkim`"
    );
}

#[test]
fn anything_but_a_key_is_refused_without_showing_it() {
    for (pem, why) in [
        ("secret", "it contains no private key in PEM format (`-----BEGIN PRIVATE KEY-----`)"),
        (
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
            "its key is not a valid RSA or Ed25519 key (InvalidEncoding): make a new one with `slugline key dkim`",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n",
            "its key is neither RSA nor Ed25519",
        ),
    ] {
        assert_eq!(Key::from_pem(pem.as_bytes()).unwrap_err().to_string(), why);
    }
}
