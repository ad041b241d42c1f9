import Tensors

/// What the words and numbers in a cell mean.
enum CSVCell {
  case missing
  case number
  case text

  /// Classifies a cell: empty cells and the usual words are missing, numbers may be infinite.
  init(_ field: CSVField) {
    let (from, to) = field.trimmed
    if CSVCell.isMissing(from, to) {
      self = .missing
      return
    }
    var digits = DecimalParser.Digits()
    if DecimalParser.digits(from, &digits) == to || CSVCell.word(from, to) != nil {
      self = .number
    } else {
      self = .text
    }
  }

  /// Empty, `NaN`, `NA`, `N/A`, `<NA>`, `#N/A`, `null`, `None`, in any case of letters.
  static func isMissing(_ from: UnsafePointer<UInt8>, _ to: UnsafePointer<UInt8>) -> Bool {
    switch to - from {
    case 0: true
    case 2: matches(from, to, "na")
    case 3: matches(from, to, "nan") || matches(from, to, "n/a")
    case 4:
      matches(from, to, "null") || matches(from, to, "none") || matches(from, to, "<na>")
        || matches(from, to, "#n/a") || matches(from, to, "-nan") || matches(from, to, "+nan")
    default: false
    }
  }

  /// The number that a word stands for, in any case of letters: `inf` and `infinity` with an
  /// optional sign, `true` as 1 and `false` as 0.
  static func word(_ from: UnsafePointer<UInt8>, _ to: UnsafePointer<UInt8>) -> Double? {
    guard to > from else { return nil }
    if matches(from, to, "true") { return 1 }
    if matches(from, to, "false") { return 0 }
    let signed = from.pointee == 0x2D || from.pointee == 0x2B
    let word = signed ? from + 1 : from
    guard matches(word, to, "inf") || matches(word, to, "infinity") else { return nil }
    return from.pointee == 0x2D ? -.infinity : .infinity
  }

  private static func matches(
    _ from: UnsafePointer<UInt8>, _ to: UnsafePointer<UInt8>, _ word: StaticString
  ) -> Bool {
    guard to - from == word.utf8CodeUnitCount else { return false }
    for i in 0..<(to - from) {
      let c = from[i]
      let lower = c >= 0x41 && c <= 0x5A ? c | 0x20 : c
      if lower != word.utf8Start[i] { return false }
    }
    return true
  }
}
