//! Whether the addresses of our mail server have names that lead back to them: Gmail and others refuse mail from those
//! that have none.

use crate::diagnosis::Step;
use crate::diagnosis::gateway::Gateway;
use crate::dns::{Dns, NoAnswer};

const NAME: &str = "reverse DNS";

/// A step for each server whose addresses in the world are known. Whether mail leaves from them is not.
pub(super) fn steps(dns: &Dns, gateways: &[Gateway]) -> Vec<Step> {
    let known = gateways.iter().filter(|gateway| !gateway.addresses.is_empty());
    known.map(|gateway| Step::told(NAME, step(dns, gateway))).collect()
}

fn step(dns: &Dns, gateway: &Gateway) -> Result<Step, NoAnswer> {
    let remedy = format!(
        "if mail leaves from there, let whoever gave you the address enter `{}` as its name (PTR), and that name lead back to it",
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
                format!("{address} is called `{first}`, which has not this address: Gmail and others refuse its mail");
            return Ok(Step::warning(NAME, seen, remedy));
        }
        called.push(format!("{address} is `{first}`"));
    }
    Ok(Step::ok(NAME, format!("{}, and back", called.join(", "))))
}
