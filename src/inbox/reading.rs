//! Reads a mailbox to its end: parses messages in parallel, hands them on in their order.

use std::io;

use rayon::prelude::*;

use crate::incoming::{self, Incoming};
use crate::mailbox::{Mailbox, Message};

/// A message that was read, or why it cannot be.
pub type Parsed<'a> = Result<(&'a [u8], Incoming), &'a io::Error>;

/// Calls `each` with every unread message and what it says; a message for which it returns true is marked as read. Returns why
/// the first message that could not be marked was not: the others go on.
///
/// # Errors
/// An error of `each`; if the mailbox cannot be read any further.
pub fn read(
    mailbox: &mut Mailbox,
    each: &mut dyn FnMut(&str, Parsed<'_>) -> anyhow::Result<bool>,
) -> anyhow::Result<Option<anyhow::Error>> {
    let mut unmarked = None;
    loop {
        let messages = mailbox.next_batch()?;
        if messages.is_empty() {
            return Ok(unmarked);
        }
        let parsed: Vec<Parsed<'_>> = messages.par_iter().map(parsed).collect();
        for (message, parsed) in messages.iter().zip(parsed) {
            if each(&message.name, parsed)?
                && let Err(error) = mailbox.mark_read(message)
            {
                unmarked.get_or_insert(error);
            }
        }
    }
}

fn parsed(message: &Message) -> Parsed<'_> {
    let bytes = message.content.as_ref()?;
    Ok((bytes, incoming::parse(bytes)))
}
