//! Expressions in Go's syntax, as the vectors' columns hold them: constructor calls, composite values, literals.

use anyhow::{Context as _, Result, bail};

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    /// A number.
    Number(u64),
    /// A string.
    Text(String),
    /// A name, with its package.
    Name(String),
    /// A call: what is called, and with what. A method of a call (`net.ParseIP("…").To4()`) is the call alone.
    Call(String, Vec<Self>),
    /// A composite value: its type, and its elements with their names, where they have some.
    Composite(String, Vec<(Option<String>, Self)>),
    /// Two expressions and what stands between them.
    Binary(Box<Self>, char, Box<Self>),
}

/// Reads an expression; a comma or a semicolon behind it is left out.
pub(super) fn parse(text: &str) -> Result<Expr> {
    let mut parser = Parser {
        rest: text.trim().trim_end_matches([',', ';']),
    };
    let expr = parser.binary()?;
    if !parser.space().is_empty() {
        bail!("`{}` is left", parser.rest);
    }
    Ok(expr)
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn space(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.space().strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn while_of(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c));
        let (token, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        token
    }

    fn binary(&mut self) -> Result<Expr> {
        let mut left = self.single()?;
        while let Some(operator) = self.space().chars().next().filter(|c| "*|+".contains(*c)) {
            self.rest = &self.rest[1..];
            left = Expr::Binary(Box::new(left), operator, Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expr> {
        self.take("&");
        let first = self.space().chars().next().context("nothing there")?;
        match first {
            '"' => self.text(),
            '0'..='9' => self.number(),
            '{' => self.composite(String::new()),
            _ => self.named(),
        }
    }

    fn number(&mut self) -> Result<Expr> {
        let token = self.while_of(|c| c.is_ascii_alphanumeric() || c == '_');
        let number = match token.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => token.parse(),
        };
        number.map(Expr::Number).with_context(|| token.to_owned())
    }

    fn text(&mut self) -> Result<Expr> {
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((place, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[place + 2..];
                    return Ok(Expr::Text(text));
                }
                '\\' => text.extend(chars.next().map(|(_, c)| c)),
                c => text.push(c),
            }
        }
        bail!("a string without an end")
    }

    fn named(&mut self) -> Result<Expr> {
        let is_slice = self.take("[]");
        self.take("*");
        let name = self.while_of(|c| c.is_ascii_alphanumeric() || "._".contains(c));
        if name.is_empty() {
            bail!("`{}` is not an expression", self.rest);
        }
        if self.take("(") {
            let arguments = self.list(")")?.into_iter().map(|(_, argument)| argument);
            let call = Expr::Call(name.to_owned(), arguments.collect());
            while self.take(".") {
                self.while_of(|c| c.is_ascii_alphanumeric());
                self.take("(");
                self.list(")")?;
            }
            return Ok(call);
        }
        if is_slice || self.space().starts_with('{') {
            return self.composite(name.to_owned());
        }
        Ok(Expr::Name(name.to_owned()))
    }

    fn composite(&mut self, kind: String) -> Result<Expr> {
        if !self.take("{") {
            bail!("`{}` is no composite value", self.rest);
        }
        Ok(Expr::Composite(kind, self.list("}")?))
    }

    fn list(&mut self, end: &str) -> Result<Vec<(Option<String>, Expr)>> {
        let mut list = Vec::new();
        while !self.take(end) {
            let element = self.binary()?;
            let element = match element {
                Expr::Name(key) if self.take(":") => (Some(key), self.binary()?),
                element => (None, element),
            };
            list.push(element);
            if !self.take(",") && !self.space().starts_with(end) {
                bail!("`{}` instead of a comma", self.rest);
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_are_read() {
        let expr =
            parse(r#"ie.NewX(0x0a, []byte{1, 2}, 10*time.Second, net.ParseIP("::1").To16(), nil)"#);
        let Ok(Expr::Call(name, arguments)) = expr else {
            panic!("{expr:?}");
        };
        assert_eq!((name.as_str(), arguments.len()), ("ie.NewX", 5));
        assert_eq!(arguments[0], Expr::Number(10));
        assert!(
            matches!(&arguments[1], Expr::Composite(kind, list) if kind == "byte" && list.len() == 2)
        );
        assert!(matches!(&arguments[3], Expr::Call(name, _) if name == "net.ParseIP"));
        assert!(parse("ie.NewX(").is_err() && parse(r#""open"#).is_err());
    }
}
