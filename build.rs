//! Links the program at a fixed address where that is usual, as Go does it.
//!
//! Otherwise every start, of a cron job every few minutes too, would adjust the 110,000 pointers in tables of time zones, entities
//! and emoji, and hold 5 MiB of them. Stack, heap and libraries stay at random addresses.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
