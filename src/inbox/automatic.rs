//! Whether a program wrote a message, so that it is neither answered nor taken for a person's consent (RFC 3834 section 2).

/// Whether the header of a message says that a program or a list sent it, or that it must not be answered.
pub(super) fn is_automatic(message: &[u8]) -> bool {
    let lines = message.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.take_while(|line| !line.is_empty()).any(says_so)
}

fn says_so(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = String::from_utf8_lossy(&line[..colon]).trim().to_ascii_lowercase();
    let value = String::from_utf8_lossy(&line[colon + 1..]).trim().to_ascii_lowercase();
    match name.as_str() {
        "auto-submitted" => value.split([';', ' ', '(']).next() != Some("no"),
        "precedence" => ["bulk", "junk", "list", "auto_reply"].contains(&value.as_str()),
        "return-path" => value == "<>",
        "x-auto-response-suppress" => value.contains("all") || value.contains("autoreply"),
        "x-autoreply" | "x-autorespond" | "x-failed-recipients" | "x-loop" => true,
        "content-type" => value.starts_with("multipart/report"),
        _ => name.starts_with("list-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_lists_are_known_by_their_header() {
        for field in [
            "Auto-Submitted: auto-replied",
            "auto-submitted: auto-generated; type=x",
            "Precedence: bulk",
            "Return-Path: <>",
            "X-Auto-Response-Suppress: OOF, AutoReply",
            "X-Autoreply: yes",
            "List-Id: <notes.example.org>",
            "Content-Type: multipart/report; report-type=delivery-status",
        ] {
            assert!(is_automatic(format!("From: a@example.org\r\n{field}\r\n\r\nText").as_bytes()), "{field}");
        }
    }

    #[test]
    fn a_person_is_no_program_whatever_the_body_says() {
        for field in ["Auto-Submitted: no", "Precedence: normal", "Return-Path: <a@example.org>", "Listen: no", "odd"] {
            assert!(!is_automatic(format!("{field}\nSubject: a\n\nPrecedence: bulk\n").as_bytes()), "{field}");
        }
        assert!(!is_automatic(b""));
    }
}
