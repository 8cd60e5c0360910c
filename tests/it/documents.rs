//! Documents that must keep up with the program.

use cryptosmarttrader::tui::keymap_markdown;

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_the_keys_as_they_are() {
    assert!(
        README.contains(keymap_markdown().trim()),
        "the section Keys of README.md should be:\n{}",
        keymap_markdown()
    );
}

#[test]
fn the_readme_names_the_two_commands() {
    for command in ["cargo run --release", "cargo test"] {
        assert!(README.lines().any(|l| l == command), "{command}");
    }
}
