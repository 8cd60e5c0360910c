//! The one form of instants that book frames have, read without a library: `2023-07-30T15:29:58.343415Z`.

use crate::kraken::wire::Stamp;

/// Bytes of the form.
pub(super) const LENGTH: usize = 27;

/// Reads the form; `None` for everything else, and for years outside 1970 to 2261.
pub(super) fn read(text: &[u8; LENGTH]) -> Option<Stamp> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'.',
        fraction @ ..,
        b'Z',
    ] = text
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?, number(&[*s1, *s2])?);
    let micros = number::<6>(fraction)?;
    let valid = (1970..=2261).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    // Only now: the nanoseconds of other years do not fit.
    valid.then(|| {
        let seconds = ((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Stamp((seconds * 1_000_000 + micros) * 1_000)
    })
}

fn number<const N: usize>(digits: &[u8; N]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

const fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to this day. Years begin in March here, so that the leap day is the last of its year.
const fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_of_months = (153 * month + 2) / 5;
    365 * year + year / 4 - year / 100 + year / 400 + days_of_months + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_library_on_every_day_and_refuses_the_rest() {
        let day = 86_400_000_000_000;
        for number in 0..106_000 {
            let meant = Stamp(number * day + (number * 7_919 % 86_400) * 1_000_000_000 + (number % 1_000_000) * 1_000);
            let text = meant.to_string();
            assert_eq!(read(text.as_bytes().try_into().expect("27 bytes")), Some(meant), "{text}");
        }
        for bad in [
            "2023-02-29T00:00:00.000000Z",
            "2023-13-01T00:00:00.000000Z",
            "2023-00-01T00:00:00.000000Z",
            "2023-01-00T00:00:00.000000Z",
            "2023-01-01T24:00:00.000000Z",
            "2023-01-01T00:60:00.000000Z",
            "2023-01-01T00:00:60.000000Z",
            "1969-12-31T00:00:00.000000Z",
            "2262-01-01T00:00:00.000000Z",
            "0023-01-01T00:00:00.000000Z",
            "9023-01-01T00:00:00.000000Z",
            "2023-01-01 00:00:00.000000Z",
            "2023-01-01T00:00:00.00000+Z",
            "2023-01-01T00:00:00.0000000",
        ] {
            assert_eq!(read(bad.as_bytes().try_into().expect("27 bytes")), None, "{bad}");
        }
    }
}
