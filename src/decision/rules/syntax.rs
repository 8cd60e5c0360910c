//! The grammar: `||`, `&&`, comparisons, `+ -`, `* /`, `! -`, then calls and `x[n]`, from the loosest to the tightest.

use std::ops::Range;

use super::lexer::{Token, tokens};
use super::problem::RuleProblem;

/// An expression nested deeper than this is refused, so that no text can exhaust the stack.
const DEEPEST: usize = 64;
/// Bytes of an expression.
const LONGEST: usize = 4096;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub at: Range<usize>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Number(f64),
    Truth(bool),
    Name(String),
    /// `!x` or `-x`.
    Prefix(&'static str, Box<Node>),
    Infix(&'static str, Box<[Node; 2]>),
    /// A function, the bytes of its name, and what it is given.
    Call(String, Range<usize>, Vec<Node>),
    /// The value so many bars ago.
    Ago(Box<Node>, usize),
}

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Node, RuleProblem> {
    if text.len() > LONGEST {
        return Err(RuleProblem::new(0..1, format!("an expression has at most {LONGEST} bytes")));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let node = parser.expression(0)?;
    match parser.peek() {
        (Token::End, _) => Ok(node),
        (_, at) => Err(RuleProblem::new(at, "an operator was expected before this")),
    }
}

struct Parser<'a> {
    tokens: &'a [(Token<'a>, Range<usize>)],
    depth: usize,
}

/// How tightly an operator between two sides binds.
const fn binding(sign: &str) -> Option<u8> {
    match sign.as_bytes() {
        b"||" => Some(1),
        b"&&" => Some(2),
        b"<" | b">" | b"<=" | b">=" | b"==" | b"!=" => Some(3),
        b"+" | b"-" => Some(4),
        b"*" | b"/" => Some(5),
        _ => None,
    }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> (Token<'a>, Range<usize>) {
        self.tokens.first().cloned().unwrap_or((Token::End, 0..0))
    }

    fn take(&mut self) -> (Token<'a>, Range<usize>) {
        let next = self.peek();
        if let [_, rest @ ..] = self.tokens
            && !rest.is_empty()
        {
            self.tokens = rest;
        }
        next
    }

    fn takes(&mut self, sign: &str) -> Option<Range<usize>> {
        let (token, at) = self.peek();
        (token == Token::Sign(matching(sign)?)).then(|| self.take()).map(|_| at)
    }

    fn expect(&mut self, sign: &str) -> Result<Range<usize>, RuleProblem> {
        let (token, at) = self.peek();
        let text = if token == Token::End { format!("'{sign}' is missing") } else { format!("'{sign}' was expected") };
        self.takes(sign).ok_or_else(|| RuleProblem::new(at, text))
    }

    /// Operators that bind tighter than `least`.
    fn expression(&mut self, least: u8) -> Result<Node, RuleProblem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(RuleProblem::new(self.peek().1, format!("nested deeper than {DEEPEST}")));
        }
        let mut left = self.prefixed()?;
        while let (Token::Sign(sign), _) = self.peek()
            && let Some(tight) = binding(sign)
            && tight > least
        {
            self.take();
            let right = self.expression(tight)?;
            left = Node { at: left.at.start..right.at.end, what: What::Infix(sign, Box::new([left, right])) };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn prefixed(&mut self) -> Result<Node, RuleProblem> {
        for sign in ["!", "-"] {
            let Some(at) = self.takes(sign) else { continue };
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(RuleProblem::new(at, format!("nested deeper than {DEEPEST}")));
            }
            let of = self.prefixed()?;
            self.depth -= 1;
            let at = at.start..of.at.end;
            return Ok(match of.what {
                What::Number(x) if sign == "-" => Node { at, what: What::Number(-x) },
                _ => Node { at, what: What::Prefix(sign, Box::new(of)) },
            });
        }
        self.followed()
    }

    /// A value and the `[n]` after it.
    fn followed(&mut self) -> Result<Node, RuleProblem> {
        let mut node = self.value()?;
        while self.takes("[").is_some() {
            let (token, at) = self.take();
            let ago = match token {
                Token::Number(x) if x >= 0.0 && x.fract() == 0.0 && x < 1e9 => x as usize,
                _ => return Err(RuleProblem::new(at, "a whole number of bars was expected")),
            };
            let end = self.expect("]")?;
            node = Node { at: node.at.start..end.end, what: What::Ago(Box::new(node), ago) };
        }
        Ok(node)
    }

    fn value(&mut self) -> Result<Node, RuleProblem> {
        let (token, at) = self.take();
        let what = match token {
            Token::Number(x) => What::Number(x),
            Token::Name("true") => What::Truth(true),
            Token::Name("false") => What::Truth(false),
            Token::Name(name) if self.takes("(").is_some() => {
                let (given, end) = self.given()?;
                return Ok(Node { at: at.start..end, what: What::Call(name.to_owned(), at, given) });
            }
            Token::Name(name) => What::Name(name.to_owned()),
            Token::Sign("(") => {
                let inner = self.expression(0)?;
                let end = self.expect(")")?;
                return Ok(Node { at: at.start..end.end, what: inner.what });
            }
            Token::Sign(sign) => return Err(RuleProblem::new(at, format!("a value was expected, not '{sign}'"))),
            Token::End => return Err(RuleProblem::new(at, "a value is missing")),
        };
        Ok(Node { at, what })
    }

    /// What stands between the parentheses of a call, and the end of the call.
    fn given(&mut self) -> Result<(Vec<Node>, usize), RuleProblem> {
        let mut given = Vec::new();
        if let Some(end) = self.takes(")") {
            return Ok((given, end.end));
        }
        loop {
            given.push(self.expression(0)?);
            if self.takes(",").is_none() {
                return Ok((given, self.expect(")")?.end));
            }
        }
    }
}

/// The token's own text of a sign.
fn matching(sign: &str) -> Option<&'static str> {
    ["!", "-", "(", ")", "[", "]", ","].into_iter().find(|known| *known == sign)
}
