//! The paths that a source file names, read from its tokens: grouped imports spelled out, `self` and `super` resolved,
//! comments, strings and what is compiled for tests only left out.

/// A path, from the crate's root where it leads into the crate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Path {
    /// Where it stands, counted from 1.
    pub(crate) line: usize,
    /// Its names; the first is `crate` for a path into this crate.
    pub(crate) names: Vec<String>,
}

/// What was read from one file.
#[derive(Default, Debug)]
pub(crate) struct Named {
    /// Every path, single names included.
    pub(crate) paths: Vec<Path>,
    /// The modules in files of their own that are compiled for tests only.
    pub(crate) test_modules: Vec<String>,
}

/// Reads `source`, the file of the module `module` (its names below the crate's root).
pub(crate) fn read(source: &str, module: &[String]) -> Named {
    let tokens = lex(source);
    let mut reader = Reader { tokens: &tokens, at: 0, module: module.to_vec(), named: Named::default() };
    reader.items(0);
    reader.named
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Names, `::` and single characters; literals, lifetimes and comments are dropped.
fn lex(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    let get = |at: usize| chars.get(at).copied().unwrap_or('\0');
    while at < chars.len() {
        let from = at;
        let c = chars[at];
        let mut token = None;
        if c == '/' && get(at + 1) == '/' {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if c == '/' && get(at + 1) == '*' {
            at = after_block_comment(&chars, at);
        } else if let Some(end) = after_string(&chars, at) {
            at = end;
        } else if c == '\'' {
            at = after_quote(&chars, at);
        } else if c.is_alphanumeric() || c == '_' {
            // `r#type` is a name like any other.
            if c == 'r' && get(at + 1) == '#' {
                at += 2;
            }
            let word: String = chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
            at += word.chars().count();
            token = (!word.starts_with(|c: char| c.is_ascii_digit())).then_some(word);
        } else if c == ':' && get(at + 1) == ':' {
            at += 2;
            token = Some("::".to_owned());
        } else {
            at += 1;
            token = (!c.is_whitespace()).then(|| c.to_string());
        }
        tokens.extend(token.map(|text| Token { line, text }));
        line += chars[from..at].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

/// Block comments nest.
fn after_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// The end of the string that begins at `at`, if one does: plain, raw, of bytes or of C.
fn after_string(chars: &[char], at: usize) -> Option<usize> {
    let prefix: String = chars[at..].iter().take_while(|c| matches!(c, 'b' | 'c' | 'r')).collect();
    if !matches!(prefix.as_str(), "" | "b" | "c" | "r" | "br" | "cr") {
        return None;
    }
    let mut end = at + prefix.len();
    let hashes = chars[end..].iter().take_while(|c| **c == '#').count();
    let raw = prefix.ends_with('r');
    end += if raw { hashes } else { 0 };
    if chars.get(end) != Some(&'"') {
        return None;
    }
    end += 1;
    while end < chars.len() {
        match chars[end] {
            '\\' if !raw => end += 2,
            '"' if !raw => return Some(end + 1),
            '"' if chars[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => {
                return Some(end + 1 + hashes);
            }
            _ => end += 1,
        }
    }
    Some(end)
}

/// The end of the character or lifetime that begins at `at`.
fn after_quote(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => at + 3 + chars[at + 3..].iter().take_while(|c| **c != '\'').count() + 1,
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1 + chars[at + 1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count(),
    }
    .min(chars.len())
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    module: Vec<String>,
    named: Named,
}

impl Reader<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    /// Reads up to the brace that ends the module at `depth` inline modules.
    fn items(&mut self, depth: usize) {
        let mut braces = 0;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "#" => self.attribute(),
                "mod" if self.text(2) == "{" => {
                    let name = self.text(1).to_owned();
                    self.at += 3;
                    self.module.push(name);
                    self.items(depth + 1);
                    self.module.pop();
                }
                "{" => (braces, self.at) = (braces + 1, self.at + 1),
                "}" if braces == 0 && depth > 0 => {
                    self.at += 1;
                    return;
                }
                "}" => (braces, self.at) = (braces - 1, self.at + 1),
                _ if self.tokens[self.at].is_name() => self.tree(&mut Vec::new()),
                _ => self.at += 1,
            }
        }
    }

    /// Reads an attribute; steps over the item behind one that keeps it out of the program.
    fn attribute(&mut self) {
        let from = self.at;
        self.at += 1;
        if self.text(0) == "!" {
            self.at += 1;
        }
        if self.text(0) != "[" {
            return;
        }
        self.skip_balanced();
        let words: Vec<&str> = self.tokens[from..self.at].iter().map(|token| token.text.as_str()).collect();
        let tests_only = words.contains(&"cfg") && words.contains(&"test") && !words.contains(&"not");
        if tests_only {
            while self.text(0) == "#" {
                self.at += 1;
                self.skip_balanced();
            }
            self.skip_item();
        }
    }

    fn skip_item(&mut self) {
        let import = (0..3).any(|ahead| self.text(ahead) == "use");
        if let Some(ahead) = (0..6).find(|ahead| self.text(*ahead) == "mod")
            && self.text(ahead + 2) == ";"
        {
            self.named.test_modules.push(self.text(ahead + 1).to_owned());
        }
        while self.at < self.tokens.len() {
            match self.text(0) {
                ";" | "," => {
                    self.at += 1;
                    return;
                }
                "{" => {
                    self.skip_balanced();
                    if !import {
                        return;
                    }
                }
                "(" | "[" => self.skip_balanced(),
                // The last field or variant of its kind.
                "}" => return,
                _ => self.at += 1,
            }
        }
    }

    /// Steps over the bracket at hand and all up to its partner.
    fn skip_balanced(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Reads one path behind `prefix`, or the group of paths that it ends in.
    fn tree(&mut self, prefix: &mut Vec<String>) {
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let kept = prefix.len();
        loop {
            match self.text(0) {
                "{" if !prefix.is_empty() => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "") {
                        if self.text(0) == "," {
                            self.at += 1;
                        } else {
                            self.tree(&mut prefix.clone());
                        }
                    }
                    self.at += 1;
                    break;
                }
                "*" => {
                    prefix.push("*".to_owned());
                    self.at += 1;
                    self.keep(line, prefix);
                    break;
                }
                _ if self.tokens.get(self.at).is_some_and(Token::is_name) => {
                    prefix.push(self.text(0).to_owned());
                    self.at += 1;
                    let goes_on = self.text(0) == "::"
                        && (matches!(self.text(1), "{" | "*")
                            || self.tokens.get(self.at + 1).is_some_and(Token::is_name));
                    if !goes_on {
                        self.keep(line, prefix);
                        break;
                    }
                    self.at += 1;
                }
                _ => {
                    self.at += 1;
                    break;
                }
            }
        }
        if self.text(0) == "as" {
            self.at += 2;
        }
        prefix.truncate(kept);
    }

    fn keep(&mut self, line: usize, names: &[String]) {
        let mut names = names.to_vec();
        let mut base = self.module.clone();
        let mut relative = false;
        while names.len() > 1 && matches!(names[0].as_str(), "self" | "super") {
            relative = true;
            if names.remove(0) == "super" {
                base.pop();
            }
        }
        if relative {
            names = [vec!["crate".to_owned()], base, names].concat();
        }
        self.named.paths.push(Path { line, names });
    }
}
