#!/usr/bin/env python3
"""Write the Unicode tables of our patterns, Sources/Operators/Text/Unicode*.swift.

usage: unicode_tables.py FOLDER

What belongs to a class and which letters differ by case alone is asked of RE2 itself (google-re2),
so that both agree on the version of Unicode.
"""

import os
import sys

import re2

CATEGORIES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co "
              "Cs").split()
SCRIPTS = """Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak
Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian
Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan
Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic
Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han
Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited
Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li
Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Linear_A
Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi
Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro
Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong
Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau
Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham
SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog
Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh
Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi
Zanabazar_Square""".split()

EVERY = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def ranges(name):
    """None for a class that RE2 does not know."""
    try:
        pattern = re2.compile(r"\p{%s}+" % name)
    except re2.error:
        return None
    if name == "Cs":
        return [(0xD800, 0xDFFF)]
    found = []
    for m in pattern.finditer(EVERY):
        # Runs may step over the surrogates, which no string holds.
        low, high = ord(m.group()[0]), ord(m.group()[-1])
        found += [(low, 0xD7FF), (0xE000, high)] if low < 0xD800 <= high else [(low, high)]
    return found


def base36(n):
    text = DIGITS[n % 36]
    while n >= 36:
        n //= 36
        text = DIGITS[n % 36] + text
    return text


def encoded(found):
    """Gaps and lengths in turn."""
    words, at = [], 0
    for low, high in found:
        words += [base36(low - at), base36(high - low)]
        at = high
    return " ".join(words)


def wrapped(text, indent, width=96):
    lines, line = [], ""
    for word in text.split(" "):
        if len(line) + len(word) + 1 + len(indent) > width:
            lines.append(line)
            line = ""
        line += word + " "
    lines.append(line.rstrip())
    return (" \\\n" + indent).join(x.rstrip() for x in lines)


def write_classes(path, what, kind, names):
    unknown = []
    with open(path, "w") as out:
        out.write(f'''/// {what}
///
/// Each is a list of ranges in base 36: how far the first code point lies behind the end of the
/// range before, and how many more follow it. Written by tools/oracle/unicode_tables.py from RE2's
/// tables.
enum {kind} {{
  static let ranges: [String: String] = [
''')
        for name in names:
            found = ranges(name)
            if found is None:
                unknown.append(name)
                continue
            text = encoded(found)
            if len(name) + len(text) + 11 <= 100:
                out.write(f'    "{name}": "{text}",\n')
            else:
                out.write(f'    "{name}": """\n      {wrapped(text, "      ")}\n      """,\n')
        out.write("  ]\n}\n")
    print(path, "without", unknown, file=sys.stderr)


def orbits():
    likely = [c for c in EVERY if c.lower() != c or c.upper() != c or c.casefold() != c
              or c.title() != c]
    text = "".join(likely)
    found = set()
    for c in likely:
        orbit = re2.findall("(?i)" + r"\x{%X}" % ord(c), text)
        if len(orbit) > 1:
            found.add(tuple(sorted(map(ord, orbit))))
    return sorted(found)


def write_folds(path):
    found = orbits()
    pairs = [o for o in found if len(o) == 2]
    rows = []
    for low, high in pairs:
        if rows:
            start, count, step, delta = rows[-1]
            last = start + (count - 1) * step
            if high - low == delta and (low - last == step or count == 1 and low - last <= 2):
                rows[-1] = (start, count + 1, low - last, delta)
                continue
        rows.append((low, 1, 1, high - low))

    def numbers(values):
        text, line = "", "   "
        for v in values:
            if len(line) + len(v) + 2 > 98:
                text += line + "\n"
                line = "   "
            line += f" {v},"
        return text + line + "\n"

    with open(path, "w") as out:
        out.write('''/// Which code points differ by case alone, by Unicode's simple folding.
///
/// Written by tools/oracle/unicode_tables.py from RE2's tables.
enum UnicodeFolds {
  /// Four numbers a row: the first code point, how many there are, the step between them, and how
  /// far behind each its partner lies.
  static let pairs: [UInt32] = [
''')
        out.write(numbers([f"0x{v:X}" if i == 0 else str(v) for r in rows for i, v in enumerate(r)]))
        out.write('''  ]
  /// Groups of more than two, each behind its number of members.
  static let groups: [UInt32] = [
''')
        out.write(numbers([v for o in found if len(o) > 2
                           for v in [str(len(o))] + [f"0x{c:X}" for c in o]]))
        out.write("  ]\n}\n")
    print(path, len(found), "groups,", len(rows), "rows", file=sys.stderr)


def main():
    folder = sys.argv[1]
    write_classes(os.path.join(folder, "UnicodeCategories.swift"), "The general categories of Unicode.",
                  "UnicodeCategories", CATEGORIES)
    write_classes(os.path.join(folder, "UnicodeScripts.swift"), "The scripts of Unicode.",
                  "UnicodeScripts", SCRIPTS)
    write_folds(os.path.join(folder, "UnicodeFolds.swift"))


if __name__ == "__main__":
    main()
