#!/usr/bin/env python3
"""Write regular expressions and what RE2 says of them, for OperatorsTests.

usage: pattern_vectors.py OUT [COUNT [SEED]]

One line a pattern: PATTERN STRINGS... in hexadecimal of UTF-8, each string behind a `+` where it
matches as a whole and a `-` where not; only `!` behind an illegal pattern. Made with google-re2.
COUNT generated patterns follow the ones written here.
"""

import random
import sys

import re2

WRITTEN = r"""
a*b|c  (a|b)*c  a{2,3}  a{2}  a{2,}  a{,2}  a{2  {2}  a{01}  a{2,1}  a{1001}  (a{10}){100}
(a{10}){101}  ((a{10}){10}){11}  a**  a*?  a+?b  a{2}*  a*{2}  a??  a???  *a  (*a)  |*  ^*  \b+a  (^a)  a$  ^a$b
(?i)abc  (?i)straSSe  (?i)σ  (?i)[k]  (?i)\w+  (?i)[^k]  (?i)\x{E9}  (?-i)a  (?i-i)a  (?i:a)b  a(?i)b
(a(?i)b)c  (?i  (?i-)a  (?-)a  (?)a  (?x)a  (?im-s:a.)  (?s).  (?s-s).  .  (?U)a+?  (?m)a$\n^b  a$\n^b
(?m)^$  (?P<n>a)  (?<n>a)  (?P<n>a)(?P<n>b)  (?P<>a)  (?P<1>a)  (?P<é>a)  (?P<n-m>a)  (?P<n  (?P=n)  (?=a)
(?!a)  (?<=a)  (?>a)  \1  (a)\1  \0  \01  \101  \12  \8  \x41  \x4  \x{41}  \x{}  \x{110000}  \x{10FFFF}
\x{D800}  [\x{D7FF}-\x{E000}]  \Qa.b\E  \Qa.b  \Qab\E*  a\Q\E*  a(?i)*  a*(?i)*  \E  \Q\E  \Q\\E  \C  \R  \h
\K  \G  \Z  \z  a\z  \Aa  \A  \_  \-  \é  \"  \y  \<  \d+  \D+  \w+  \W+  \s+  \S+  \pL+  \PL+  \p{L}+  \p{Lu}+  \p{^Lu}+
\P{^Lu}+  \p{Greek}+  \p{Foo}  \p{greek}  \pX  \p  \p{  \p{}  \p{Any}+  \p{Nd}+  \p{Cn}  \p{L&}  \p{Han}+  \pZ  \p{Sc}
[a-c]+  [^a-c]+  [c-a]  []a]+  [^]a]+  [a  []  [^]  [a-]+  [-a]+  [a-b-c]+  [a\-c]+  [a\]]+  [\d-z]+  [a-\d]  [\w.]+
[[:alpha:]]+  [[:^alpha:]]+  [[:foo:]]  [:alpha:]+  [[:alpha:]-z]+  [[:word:]]+  [[:punct:]]+  [[:space:]]+
[[.a.]]  [[=a=]]  [[a]]  [\pL\d]+  [^\pL]+  [\p{Greek}]+  [\x{0}-\x{10FFFF}]+  [^\x{0}-\x{10FFFF}]  [\n]  [\b]
[\a\f\t\n\r\v]+  [\101-\103]+  [[:upper:][:digit:]]+  (?i)[[:upper:]]+  (?i)\p{Lu}+  (?i)\P{Lu}+  (?i)[^\p{Lu}]+
\bab\b  a\Bb  \ba  a\b\Bb  \B  \b  ()  ()*  (|a)*  (a|)+  (a*)*  (a*)+b  (a|aa)*b  a||b  |  (  )  a)  (a  (?:a|b)c
((((a))))  \\  \.  \*  \{  {  }  ]  a{b}  a{1,b}  a{1,2}{3}  a,{1}  \t  ^  $  x*y+z?  (?i)ǆ  (?i)ſ  (?i)ß
""".split()

# What sits between blanks above cannot hold one.
WRITTEN += ["", " ", "a b", "(?i) K", "[ -~]+", "[^ ]+ [^ ]+", "\u212a", "(?i)\u212a", "\n", "a\nb"]

STRINGS = ["", "a", "b", "c", "ab", "abc", "aa", "aaa", "AB", "ABC", "aB", "1", "12", "_", "-", " ",
           "a b", "\n", "a\nb", "a.b", ".", "*", "\\", "é", "É", "σ", "Σ", "ς", "ß", "ẞ", "\u212a", "k",
           "K", "ſ", "s", "S", "ǆ", "ǅ", "Ǆ", "漢字", "١", "\u0301", "😀", "{", "a{2", "a{b}", "]", "bab",
           "aab", "ac", "aabb", "Straße", "strasse", "xyz", "A", "a{,2}", "a{01}", "\t", "\x00", "€", "ab1_"]

ATOMS = ["a", "b", "c", "A", "B", "1", "é", "σ", "k", "s", ".", "\\d", "\\w", "\\W", "\\s", "\\S", "\\pL",
         "\\p{Lu}", "\\p{Greek}", "\\PN", "[ab]", "[^a]", "[a-c1]", "[[:alpha:]]", "[^[:digit:]x]",
         "[\\w-]", "\\x41", "\\x{e9}", "\\.", "\\b", "\\B", "^", "$", "\\A", "\\z", "(?i)", "(?s)", "(?m)",
         "(?-i)", "\\n", "\\Qa*\\E", "-", "{", "}", "\\", "[", "]", "\\1", "\\07", "(?", ")", "(", "\u212a",
         "ß", "😀"]
LEGAL = ATOMS[:42]
QUANTIFIERS = ["", "", "", "", "*", "+", "?", "*?", "{2}", "{1,2}", "{0,1}", "{2,}", "??"]


def generated(r, depth):
    parts = []
    for _ in range(r.randint(1, 4)):
        kind = r.random()
        if kind < 0.2 and depth > 0:
            inner = generated(r, depth - 1)
            parts.append(r.choice(["(", "(?:", "(?i:", "(?s:", "(?m:", "(?P<g%d>" % r.randint(0, 999)])
                         + inner + ")" + r.choice(QUANTIFIERS))
        elif kind < 0.3 and depth > 0:
            parts.append("(" + generated(r, depth - 1) + "|" + generated(r, depth - 1) + ")")
        elif kind < 0.98:
            atom = r.choice(LEGAL)
            is_quantified = not atom.startswith("(?") and atom not in "^$"
            parts.append(atom + (r.choice(QUANTIFIERS) if is_quantified else ""))
        else:
            parts.append(r.choice(ATOMS))
    return "".join(parts)


def line(pattern, strings):
    try:
        compiled = re2.compile(pattern, OPTIONS)
    except re2.error:
        return pattern.encode().hex() + " !"
    words = [("+" if compiled.fullmatch(s) else "-") + s.encode().hex() for s in strings]
    return " ".join([pattern.encode().hex()] + words)


OPTIONS = re2.Options()
OPTIONS.log_errors = False


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1200
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with open(sys.argv[1], "w") as out:
        for pattern in WRITTEN:
            out.write("p" + line(pattern, STRINGS) + "\n")
        for _ in range(count):
            pattern = generated(r, 2)
            try:
                compiled = re2.compile(pattern, OPTIONS)
            except re2.error:
                out.write("p" + pattern.encode().hex() + " !\n")
                continue
            # Some that match, as far as some are found.
            tried = STRINGS + ["".join(r.choices("abcAB1 éσΣkK\nsx.", k=r.randint(1, 6)))
                               for _ in range(40)]
            hits = [s for s in tried if compiled.fullmatch(s)]
            misses = [s for s in tried if not compiled.fullmatch(s)]
            chosen = r.sample(hits, min(5, len(hits))) + r.sample(misses, min(4, len(misses)))
            out.write("p" + line(pattern, chosen) + "\n")


if __name__ == "__main__":
    main()
