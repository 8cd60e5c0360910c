//! Colours per scheme and depth. The 16-colour table is chosen by hand, not derived.

use ratatui::style::Color;

use super::Role;
use crate::tui::options::{ColorDepth, ColorScheme};

/// One colour at the three depths.
struct Ink {
    rgb: u32,
    indexed: u8,
    named: Color,
}

const GREEN: Ink = Ink { rgb: 0x003F_B950, indexed: 71, named: Color::Green };
const RED: Ink = Ink { rgb: 0x00F8_5149, indexed: 203, named: Color::Red };
/// Okabe and Ito's sky blue and orange: told apart with any common colour vision.
const SKY: Ink = Ink { rgb: 0x0056_B4E9, indexed: 74, named: Color::LightBlue };
const ORANGE: Ink = Ink { rgb: 0x00E6_9F00, indexed: 214, named: Color::Yellow };
const AMBER: Ink = Ink { rgb: 0x00D2_9922, indexed: 178, named: Color::Yellow };
const YELLOW: Ink = Ink { rgb: 0x00F0_E442, indexed: 227, named: Color::LightYellow };
const MAGENTA: Ink = Ink { rgb: 0x00DB_61A2, indexed: 169, named: Color::Magenta };
const TEAL: Ink = Ink { rgb: 0x0039_C5CF, indexed: 80, named: Color::Cyan };
const GREY: Ink = Ink { rgb: 0x008B_949E, indexed: 245, named: Color::DarkGray };
const VIOLET: Ink = Ink { rgb: 0x00A3_71F7, indexed: 141, named: Color::LightMagenta };
const BLUE: Ink = Ink { rgb: 0x004C_8DFF, indexed: 69, named: Color::Blue };
const SAND: Ink = Ink { rgb: 0x00E3_D26F, indexed: 186, named: Color::LightYellow };
const ROSE: Ink = Ink { rgb: 0x00FF_9BCE, indexed: 218, named: Color::Magenta };
const WHITE: Ink = Ink { rgb: 0x00F0_F6FC, indexed: 255, named: Color::White };

/// Colour of a role; `None` leaves the terminal's own.
pub(super) fn color(role: Role, scheme: ColorScheme, depth: ColorDepth) -> Option<Color> {
    let (up, down, warn) = match scheme {
        ColorScheme::Western => (GREEN, RED, AMBER),
        ColorScheme::Eastern => (RED, GREEN, AMBER),
        ColorScheme::Cvd => (SKY, ORANGE, YELLOW),
        ColorScheme::Mono => return None,
    };
    let ink = match role {
        Role::Up => up,
        Role::Down => down,
        Role::Warn | Role::Pending => warn,
        Role::Danger | Role::Halted | Role::Live => MAGENTA,
        Role::Good | Role::BorderFocus | Role::TitleFocus | Role::Paper => TEAL,
        Role::Muted | Role::Stale | Role::Border | Role::Head => GREY,
        Role::Shadow | Role::Line2 => VIOLET,
        Role::Line1 => TEAL,
        Role::Line3 => BLUE,
        Role::Line4 => SAND,
        Role::Line5 => ROSE,
        Role::Line6 => WHITE,
        Role::Text | Role::Strong | Role::Title | Role::Key | Role::Selected | Role::Flash => return None,
    };
    match depth {
        ColorDepth::TrueColor => Some(Color::from_u32(ink.rgb)),
        ColorDepth::Ansi256 => Some(Color::Indexed(ink.indexed)),
        ColorDepth::Ansi16 => Some(ink.named),
        ColorDepth::None => None,
    }
}
