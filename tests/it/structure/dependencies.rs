//! Every dependency has its reason, and the build without features stays small.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::source::{mentions, sources};
use crate::program::repository;

#[test]
fn without_features_there_is_no_async_runtime_and_no_second_crypto_library() {
    let tree = |features: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(repository()).args(["tree", "--offline", "--edges", "normal", "--prefix", "none"]);
        let tree = cargo.args(features).output().unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let tree = String::from_utf8(tree.stdout).unwrap();
        tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (full, bare) = (tree(&[]), tree(&["--no-default-features"]));
    for runtime in ["tokio", "futures-util", "async-trait", "mio", "hyper", "hickory-resolver", "axum", "postgres"] {
        assert!(full.contains(runtime) && !bare.contains(runtime), "{runtime}");
    }
    assert!(bare.contains("ring") && !full.contains("aws-lc-rs"));
}

/// Its timing leaks the keys it signs with (RUSTSEC-2023-0071): it only makes them.
#[test]
fn rsa_is_used_to_make_keys_alone() {
    let sources = sources();
    let users = sources.iter().filter(|source| source.code.contains("rsa::{") || source.code.contains(" rsa::"));
    assert_eq!(users.map(|source| source.path.clone()).collect::<Vec<_>>(), [Path::new("dkim/generate.rs")]);
}

#[test]
fn every_dependency_is_used_and_has_its_reason() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let (manifest, reasons) = (read("Cargo.toml"), read("ARCHITECTURE.md"));
    let (_, section) = manifest.split_once("[dependencies]\n").unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let dependencies: BTreeSet<&str> = lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    let (_, table) = reasons.split_once("| crate | why |\n|---|---|\n").unwrap();
    let named = table.lines().filter_map(|line| line.split('|').nth(1)).flat_map(|names| names.split(','));
    assert_eq!(named.map(str::trim).collect::<BTreeSet<_>>(), dependencies);
    let sources = sources();
    let is_used = |name: &&str| sources.iter().any(|source| mentions(&source.code, &name.replace('-', "_")));
    assert_eq!(dependencies.into_iter().filter(|name| !is_used(name)).collect::<Vec<_>>(), Vec::<&str>::new());
}
