//! AUTH (RFC 4954): PLAIN (RFC 4616) if offered, else LOGIN, which is not standardised but still common.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;

use crate::reply::Phase;
use crate::smtp::dialogue::Dialogue;
use crate::smtp::extensions::{Extensions, Mechanism};
use crate::smtp::failure::unexpected_reply;
use crate::smtp::failure::{Cause, SessionError};
use crate::smtp::relay::Login;

/// Logs in. The password is only sent if the connection is encrypted or stays on this machine.
pub(super) fn log_in(
    dialogue: &mut Dialogue<'_>,
    login: &Login,
    extensions: &Extensions,
    is_loopback: bool,
) -> Result<(), SessionError> {
    let phase = Phase::Auth;
    if !dialogue.is_encrypted() && !is_loopback {
        return Err(SessionError { phase, cause: Cause::Unencrypted });
    }
    let password = login.password.expose_secret();
    let reply = match extensions.login {
        Some(Mechanism::Plain) => {
            let words = STANDARD.encode(format!("\0{}\0{password}", login.user));
            dialogue.command(phase, &format!("AUTH PLAIN {words}\r\n"))?
        }
        Some(Mechanism::Login) => {
            for step in ["AUTH LOGIN".to_owned(), STANDARD.encode(&login.user)] {
                let reply = dialogue.command(phase, &format!("{step}\r\n"))?;
                if reply.code != 334 {
                    return Err(unexpected_reply(phase, &reply));
                }
            }
            dialogue.command(phase, &format!("{}\r\n", STANDARD.encode(password)))?
        }
        None => return Err(SessionError { phase, cause: Cause::MissingExtension("AUTH PLAIN or AUTH LOGIN") }),
    };
    if reply.code == 235 { Ok(()) } else { Err(unexpected_reply(phase, &reply)) }
}
