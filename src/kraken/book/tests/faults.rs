//! What makes a book untrustworthy, and how it recovers.

use super::{Book, BookFault, BookSide, Precision, number, rows};

const PRECISION: Precision = Precision { price: 1, qty: 2 };

/// Book of one bid at 10.0 and one ask at 11.0.
fn book() -> Book {
    let mut book = Book::new(10, PRECISION);
    book.snapshot(&rows("10/1", "11/1", crc32fast::hash(b"110100100100"))).expect("a snapshot");
    book
}

#[test]
fn every_fault_has_its_name_and_empties_the_book() {
    let big = number("200000000000000000");
    for (bids, asks, checksum, meant) in [
        ("10/2", "", 7, BookFault::Checksum { expected: 7, got: crc32fast::hash(b"110100100200") }),
        (
            "11/1",
            "",
            crc32fast::hash(b"110100110100100100"),
            BookFault::Crossed { bid: number("11"), ask: number("11") },
        ),
        ("10.05/1", "", 0, BookFault::TooPrecise { number: number("10.05"), decimals: 1 }),
        ("", "11/0.001", 0, BookFault::TooPrecise { number: number("0.001"), decimals: 2 }),
        ("", "11/1e-3", 0, BookFault::TooPrecise { number: number("0.001"), decimals: 2 }),
        ("-1/1", "", 0, BookFault::Negative { number: number("-1") }),
        ("10/-0.01", "", 0, BookFault::Negative { number: number("-0.01") }),
        ("", "11/200000000000000000", 0, BookFault::TooLarge { number: big, decimals: 2 }),
    ] {
        let mut book = book();
        assert_eq!(book.update(&rows(bids, asks, checksum)), Err(meant), "{bids} {asks}");
        assert!(book.is_empty() && !book.ready() && book.best_ask().is_none(), "{meant}");
        assert_eq!(book.update(&rows("10/1", "", 0)), Err(BookFault::NoSnapshot));
        assert_eq!(book.snapshot(&rows("10/1", "", crc32fast::hash(b"100100"))), Ok(true));
    }
}

#[test]
fn an_update_before_the_snapshot_is_a_fault() {
    let mut book = Book::new(10, PRECISION);
    assert_eq!(book.update(&rows("10/1", "", crc32fast::hash(b"100100"))), Err(BookFault::NoSnapshot));
}

#[test]
fn a_frame_of_endless_levels_is_refused() {
    let many = "10/1 ".repeat(10_001);
    assert_eq!(book().update(&rows(&many, "", 0)), Err(BookFault::TooMany { levels: 10_001 }));
}

#[test]
fn numbers_that_only_look_too_precise_are_exact() {
    let mut book = book();
    // 1e1 is 10, 1.000 is 1, -0 is 0, and removing what is not there is no change.
    let told = rows("1e1/1.000 9/-0 8/0", "", crc32fast::hash(b"110100100100"));
    assert_eq!(book.update(&told), Ok(false));
    assert_eq!(book.len(BookSide::Bids), 1);
}

#[test]
fn the_last_word_on_a_price_counts_and_the_cut_comes_after() {
    let mut book = Book::new(2, PRECISION);
    book.snapshot(&rows("10/1 9/1", "11/1", crc32fast::hash(b"11010010010090100"))).expect("a snapshot");
    // The new bid pushes 9.0 out of the window only if it stays.
    let told = rows("9.5/1 9.5/0", "", crc32fast::hash(b"11010010010090100"));
    assert_eq!(book.update(&told), Ok(false));
    let told = rows("9.5/0 9.5/2", "", crc32fast::hash(b"11010010010095200"));
    assert_eq!(book.update(&told), Ok(false));
    let prices: Vec<_> = book.levels(BookSide::Bids).map(|(price, _)| price).collect();
    assert_eq!(prices, [number("10"), number("9.5")]);
}

#[test]
fn a_change_of_quantity_at_the_top_is_a_change_of_the_top() {
    let mut book = book();
    assert_eq!(book.update(&rows("10/2", "", crc32fast::hash(b"110100100200"))), Ok(true));
    assert_eq!(book.update(&rows("9/2", "", crc32fast::hash(b"11010010020090200"))), Ok(false));
}
