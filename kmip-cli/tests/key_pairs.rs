//! Key pairs on curves and of lengths.

mod common;
#[path = "common/server.rs"]
mod server;

use server::{Client, World};

/// Of some curves, the order is longer or shorter than their name says, or the name says nothing.
#[test]
fn key_pairs_are_made_on_curves_of_any_length() {
    let world = World::new();
    let server = world.serve(&[]);
    let client = Client::of(&world, &server);
    for (options, bits) in [
        (&["--curve", "P-521"][..], "521"),
        (&["--curve", "K-163"], "163"),
        (&["--curve", "B-283"], "282"),
        (&["--curve", "SECP224K1"], "225"),
        (&["--algorithm", "Ed448"], "456"),
        (&["--algorithm", "Ed448", "--curve", "Curve448"], "456"),
        (&["--algorithm", "ECDH", "--curve", "Curve448"], "448"),
        (&["--algorithm", "EC", "--length", "384"], "384"),
    ] {
        let pair = client.json(&[&["create-key-pair"][..], options].concat());
        let public = pair["public"].as_str().unwrap();
        let there = client.json(&["attributes", "get", public, "Cryptographic Length"]);
        let length = &there["attributes"][0]["value"];
        assert_eq!(length.to_string().trim_matches('"'), bits, "{options:?}");
    }
    let unusual = ["create-key-pair", "--algorithm", "EC", "--length", "283"];
    let error = client.fails(&unusual, 2);
    assert!(error.contains("name one with --curve"), "{error}");
}
