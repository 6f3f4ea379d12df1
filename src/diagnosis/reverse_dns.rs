//! Whether the addresses of our mail server have names that lead back to them: Gmail and others refuse mail from those
//! that do not.

use crate::diagnosis::Step;
use crate::diagnosis::gateway::Gateway;
use crate::dns::{Dns, NoAnswer};

const NAME: &str = "reverse DNS";

/// A step for each server with public addresses; whether mail leaves from them is unknown.
pub(super) fn steps(dns: &Dns, gateways: &[Gateway]) -> Vec<Step> {
    let known = gateways.iter().filter(|gateway| !gateway.addresses.is_empty());
    known.map(|gateway| Step::or_no_answer(NAME, step(dns, gateway))).collect()
}

fn step(dns: &Dns, gateway: &Gateway) -> Result<Step, NoAnswer> {
    let remedy = format!(
        "if mail leaves from there, have the provider of the address enter `{}` as its name (PTR), and make that name resolve to the address",
        gateway.host
    );
    let mut called = Vec::new();
    for address in &gateway.addresses {
        let names = dns.names(*address)?;
        let Some(first) = names.first() else {
            let seen = format!(
                "{address} (`{}`) has no name: Gmail and others refuse mail from such an address",
                gateway.host
            );
            return Ok(Step::warning(NAME, seen, remedy));
        };
        let mut leads_back = false;
        for name in &names {
            leads_back |= dns.addresses(name)?.contains(address);
        }
        if !leads_back {
            let seen =
                format!("{address} is named `{first}`, which does not resolve to it: Gmail and others refuse its mail");
            return Ok(Step::warning(NAME, seen, remedy));
        }
        called.push(format!("{address} is `{first}`"));
    }
    Ok(Step::ok(NAME, format!("{}, in both directions", called.join(", "))))
}
