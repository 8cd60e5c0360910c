//! The exchange's own examples, and short books.

use super::{Book, BookSide, Precision, number, rows};

const COINS: Precision = Precision { price: 1, qty: 8 };
const PADDED: Precision = Precision { price: 4, qty: 8 };

#[test]
fn the_official_example_has_its_checksum() {
    let mut book = Book::new(10, COINS);
    let told = rows(
        "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 45280.3/1.54592586
         45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 45277.3/1.54602737 45276.6/0.15445238",
        "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 45290.2/0.15890660
         45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 45297.5/0.09945542 45299.5/0.18772827",
        3_310_070_434,
    );
    assert_eq!(book.snapshot(&told), Ok(true));
    assert_eq!(book.best_bid(), Some((number("45283.5"), number("0.1"))));
    assert_eq!(book.best_ask(), Some((number("45285.2"), number("0.001"))));
    assert_eq!((book.len(BookSide::Bids), book.len(BookSide::Asks)), (10, 10));
    assert!(book.levels(BookSide::Asks).map(|(price, _)| price).is_sorted());
    assert!(book.levels(BookSide::Bids).map(|(price, _)| std::cmp::Reverse(price)).is_sorted());
    // The same book again is no news.
    assert_eq!(book.snapshot(&told), Ok(false));
    assert_eq!(book.checksum(), 3_310_070_434);
}

#[test]
fn numbers_without_trailing_zeros_are_padded() {
    let mut book = Book::new(10, PADDED);
    let told = rows(
        "0.5666/4831.75496356 0.5665/6658.22734739 0.5664/18724.91513344 0.5663/11563.92544914 0.5662/14006.65365711
         0.5661/17454.85679807 0.566/18097.1547 0.5659/33644.89175666 0.5658/148.3464 0.5657/606.70854372",
        "0.5668/4410.79769741 0.5669/4655.40412487 0.567/49844.89424998 0.5671/24306.41678 0.5672/29783.25223475
         0.5673/57234.71239278 0.5674/45065.04744 0.5675/5912.76380354 0.5676/42514.92434778 0.5677/36304.0847022",
        2_439_117_997,
    );
    assert_eq!(book.snapshot(&told), Ok(true));
}

#[test]
fn books_of_less_than_ten_levels_are_checked_too() {
    let mut book = Book::new(10, PADDED);
    let told = rows("0.566/18097.1547", "0.5668/4410.79769741 0.567/49844.89424998", 3_106_513_784);
    assert_eq!(book.snapshot(&told), Ok(true));
    assert_eq!(book.levels(BookSide::Asks).count(), 2);
    // One side, then none: an empty text has the checksum 0.
    let one_side = rows("0.566/0", "", crc32fast::hash(b"566844107976974156704984489424998"));
    assert_eq!(book.update(&one_side), Ok(true));
    assert_eq!(book.best_bid(), None);
    assert_eq!(book.snapshot(&rows("", "", 0)), Ok(true));
    assert!(book.is_empty() && book.ready());
}
