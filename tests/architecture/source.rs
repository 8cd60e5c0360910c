//! Reads Rust sources as far as the floors need it: paths, modules, sizes, and what is test code.

/// One source file, as far as the rules need it.
pub struct File {
    /// Path within `src/`.
    pub name: String,
    pub room: String,
    pub paths: Vec<PathUse>,
    pub modules: Vec<Module>,
    /// Files that a `#[cfg(test)] mod name;` of this one pulls in.
    pub test_files: Vec<String>,
    pub lines: usize,
    pub test_lines: usize,
}

pub struct Module {
    pub name: String,
    pub line: usize,
}

/// A path as written, with `super` and `self` resolved to `crate::…` where they leave the file's own module.
#[derive(Debug)]
pub struct PathUse {
    pub segments: Vec<String>,
    pub line: usize,
    pub in_test: bool,
}

/// Module of a file by its place: `decision/gate.rs` is `["decision", "gate"]`; `main.rs` and `lib.rs` are the root.
pub fn home_of(name: &str) -> Vec<String> {
    let parts = name.trim_end_matches(".rs").split('/').filter(|part| !["mod", "main", "lib"].contains(part));
    parts.map(str::to_owned).collect()
}

/// `#[path = "file"] mod name;` of a source, as (module, file within `src/`).
pub fn path_modules(name: &str, text: &str) -> Vec<(String, String)> {
    let folder = name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut found = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(file) = line.strip_prefix("#[path = \"").and_then(|rest| rest.split('"').next()) {
            path = Some(format!("{folder}{file}"));
        } else if !line.starts_with("#[")
            && let Some(file) = path.take()
            && let Some(module) = line.trim_start_matches("pub ").strip_prefix("mod ")
        {
            found.push((module.trim_end_matches(';').to_owned(), file));
        }
    }
    found
}

impl File {
    pub fn new(name: &str, text: &str, home: Vec<String>) -> Self {
        let room = name.split(['/', '.']).next().unwrap_or_default().to_owned();
        let tokens = tokens(&strip(text));
        let mut scan = Scan::new(&tokens, home, name);
        scan.elsewhere = path_modules(name, text);
        scan.run();
        Self {
            name: name.to_owned(),
            room,
            paths: scan.paths,
            modules: scan.modules,
            test_files: scan.test_files,
            lines: text.lines().count(),
            test_lines: scan.test_lines,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// `text` with comments, strings and characters blanked out; line breaks stay.
pub fn strip(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let word_before = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
        let end = match (at(i), at(i + 1)) {
            ('/', '/') => (i..chars.len()).find(|&j| at(j) == '\n').unwrap_or(chars.len()),
            ('/', '*') => block_comment_end(&chars, i),
            ('"', _) => string_end(&chars, i),
            ('b' | 'c', '"') if !word_before => string_end(&chars, i + 1),
            ('r', '"' | '#') if !word_before => raw_string_end(&chars, i + 1).unwrap_or(i),
            ('b' | 'c', 'r') if !word_before => raw_string_end(&chars, i + 2).unwrap_or(i),
            ('\'', _) => char_end(&chars, i).unwrap_or(i),
            _ => i,
        };
        if end == i {
            out.push(at(i));
            i += 1;
        } else {
            // A literal leaves a mark, so that `"a"::b` never looks like a path.
            out.push(' ');
            out.extend(chars[i..end].iter().filter(|c| **c == '\n'));
            out.push(' ');
            i = end;
        }
    }
    out
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut i = start;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], quote: usize) -> usize {
    let mut i = quote + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// End of a raw string whose `#…"` begins at `start`; `None` for a raw identifier.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|c| **c == '#').count();
    if chars.get(start + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = start + hashes + 1;
    (body..chars.len()).find(|&i| chars[i..].starts_with(&close)).map(|i| i + close.len())
}

/// End of a character literal; `None` for a lifetime.
fn char_end(chars: &[char], start: usize) -> Option<usize> {
    match (chars.get(start + 1)?, chars.get(start + 2)) {
        ('\\', _) => (start + 3..chars.len()).find(|&i| chars[i] == '\'').map(|i| i + 1),
        (_, Some('\'')) => Some(start + 3),
        _ => None,
    }
}

/// Words, `::` and single other characters.
fn tokens(text: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        if c.is_whitespace() {
            continue;
        }
        let mut text = c.to_string();
        if c.is_alphanumeric() || c == '_' {
            while let Some(next) = chars.next_if(|n| n.is_alphanumeric() || *n == '_') {
                text.push(next);
            }
        } else if c == ':' && chars.next_if_eq(&':').is_some() {
            text.push(':');
        }
        found.push(Token { text, line });
    }
    found
}

/// Walks the tokens of one file.
struct Scan<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Module of the file: `["decision", "gate"]`.
    home: Vec<String>,
    file: &'a str,
    /// What each open brace belongs to.
    braces: Vec<Brace>,
    /// `#[cfg(test)]` was read and its item not yet.
    pending_test: bool,
    paths: Vec<PathUse>,
    modules: Vec<Module>,
    test_files: Vec<String>,
    /// Modules of this file that `#[path]` puts in a file of another name.
    elsewhere: Vec<(String, String)>,
    test_lines: usize,
}

struct Brace {
    module: Option<String>,
    /// Line from which this brace makes test code, when it is the one that begins it.
    test_from: Option<usize>,
}

impl<'a> Scan<'a> {
    fn new(tokens: &'a [Token], home: Vec<String>, file: &'a str) -> Self {
        Self {
            tokens,
            at: 0,
            home,
            file,
            braces: Vec::new(),
            pending_test: false,
            paths: Vec::new(),
            modules: Vec::new(),
            test_files: Vec::new(),
            elsewhere: Vec::new(),
            test_lines: 0,
        }
    }

    fn text(&self, offset: usize) -> &'a str {
        self.tokens.get(self.at + offset).map_or("", |t| t.text.as_str())
    }

    fn in_test(&self) -> bool {
        self.pending_test || self.braces.iter().any(|b| b.test_from.is_some())
    }

    fn run(&mut self) {
        while self.at < self.tokens.len() {
            match (self.text(0), self.text(1)) {
                ("#", "[" | "!") => self.attribute(),
                ("mod", name) if !name.is_empty() && self.text(2) != "::" => self.module(name),
                // `impl Trait + use<'a>` captures; it imports nothing.
                ("use", "<") => self.at += 1,
                ("use", _) => self.import(),
                ("{", _) => self.open(None),
                ("}", _) => self.close(),
                (";", _) => {
                    self.pending_test = false;
                    self.at += 1;
                }
                _ if self.tokens[self.at].is_word() => self.path(),
                _ => self.at += 1,
            }
        }
    }

    /// `#[…]`; remembers `cfg(test)` and `cfg(all(test, …))`. Paths within attributes (derives) are not followed.
    fn attribute(&mut self) {
        let begin = self.at;
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "[" => depth += 1,
                "]" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 && self.text(0) != "[" && self.at > begin + 2 {
                break;
            }
        }
        let words: Vec<&str> = self.tokens[begin..self.at].iter().map(|t| t.text.as_str()).collect();
        let is_cfg = words.get(2) == Some(&"cfg");
        if is_cfg && words.contains(&"test") && !words.contains(&"not") && !words.contains(&"any") {
            self.pending_test = true;
        }
    }

    fn module(&mut self, name: &str) {
        let line = self.tokens[self.at].line;
        self.modules.push(Module { name: name.to_owned(), line });
        self.at += 2;
        if self.text(0) == "{" {
            self.open(Some(name.to_owned()));
        } else if self.in_test() {
            let folder = self.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            // `mod name;` lies where #[path] says, beside a mod.rs, or in a folder of the file's own name.
            let stem = self.file.trim_end_matches(".rs");
            let told = self.elsewhere.iter().filter(|(module, _)| module == name).map(|(_, file)| file.clone());
            let usual = [format!("{folder}/{name}.rs"), format!("{stem}/{name}.rs")];
            self.test_files.extend(told.chain(usual.map(|path| path.trim_start_matches('/').to_owned())));
        }
    }

    fn open(&mut self, module: Option<String>) {
        let test_from = self.pending_test.then(|| self.tokens[self.at].line);
        // An outer test brace already counts the lines.
        let outer = self.braces.iter().any(|b| b.test_from.is_some());
        self.braces.push(Brace { module, test_from: test_from.filter(|_| !outer) });
        self.pending_test = false;
        self.at += 1;
    }

    fn close(&mut self) {
        if let Some(from) = self.braces.pop().and_then(|b| b.test_from) {
            self.test_lines += self.tokens[self.at].line - from + 1;
        }
        self.at += 1;
    }

    fn import(&mut self) {
        self.at += 1;
        self.use_tree(&[]);
    }

    /// One branch of a `use` tree, up to the `,`, `}` or `;` that ends it.
    fn use_tree(&mut self, prefix: &[String]) {
        let line = self.tokens.get(self.at).map_or(0, |t| t.line);
        let mut segments = prefix.to_vec();
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !["}", ";", ""].contains(&self.text(0)) {
                        self.use_tree(&segments);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => self.at += 2,
                "," | "}" | ";" | "" => break,
                word => {
                    segments.push(word.to_owned());
                    self.at += 1;
                }
            }
        }
        self.push_path(segments, line);
    }

    /// `a::b::c` outside `use`; a turbofish ends it.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        // `.now` and `x.ratatui` are members, not paths.
        let member = self.at > 0 && self.tokens[self.at - 1].text == ".";
        let mut segments = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && self.tokens.get(self.at + 1).is_some_and(Token::is_word) {
            segments.push(self.text(1).to_owned());
            self.at += 2;
        }
        if segments.len() > 1 && !member {
            self.push_path(segments, line);
        }
    }

    fn push_path(&mut self, segments: Vec<String>, line: usize) {
        let in_test = self.in_test();
        let supers = segments.iter().take_while(|s| *s == "super" || *s == "self").filter(|s| *s == "super").count();
        let leading = segments.iter().take_while(|s| *s == "super" || *s == "self").count();
        let segments = if supers == 0 {
            segments
        } else {
            let inline = self.braces.iter().filter_map(|b| b.module.clone());
            let mut module: Vec<String> = self.home.iter().cloned().chain(inline).collect();
            module.truncate(module.len().saturating_sub(supers));
            let rest = segments.into_iter().skip(leading);
            std::iter::once("crate".to_owned()).chain(module).chain(rest).collect()
        };
        self.paths.push(PathUse { segments, line, in_test });
    }
}
