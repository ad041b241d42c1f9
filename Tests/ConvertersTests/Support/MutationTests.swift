import Converters
import Formats
import Glibc
import Testing

/// Random changes of the committed models: whatever comes of them must be a model or an error.
///
/// `DLRUN_FUZZ_SECONDS=600 swift test -c release … --filter MutationTests`; without it only a few
/// hundred changes are tried.
@Suite struct MutationTests {
  private static let seconds =
    getenv("DLRUN_FUZZ_SECONDS").flatMap { Int(String(cString: $0)) } ?? 0

  @Test(arguments: ["TensorFlow", "TFLite"]) func changedModelsEnd(_ folder: String) throws {
    var random = SystemRandomNumberGenerator()
    var seeds: [[UInt8]] = []
    for c in Case.all(folder) where !c.model.hasSuffix("saved_model") {
      let bytes = try InputFile(c.model).contents
      if bytes.count < 1 << 15 { seeds.append(bytes) }
    }
    try #require(!seeds.isEmpty)
    let end = time(nil) + Self.seconds
    var (tried, accepted) = (0, 0)
    while tried < 300 || time(nil) < end {
      var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][Int.random(in: 0..<5, using: &random)]
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...8)))
        case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 16)], at: at)
        case 4:
          for k in at..<min(bytes.count, at + 4) {
            bytes[k] = UInt8.random(in: 0...255, using: &random)
          }
        default:
          // A part of another model.
          let other = seeds[Int.random(in: 0..<seeds.count, using: &random)]
          let from = Int.random(in: 0..<other.count, using: &random)
          bytes.replaceSubrange(
            at..<min(bytes.count, at + 32), with: other[from..<min(other.count, from + 32)])
        }
      }
      tried += 1
      if failure(bytes) == nil { accepted += 1 }
    }
    print("\(folder): \(tried) changed models, \(accepted) still converted")
  }
}
