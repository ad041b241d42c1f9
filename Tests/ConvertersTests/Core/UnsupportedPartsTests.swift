import Converters
import Tensors
import Testing

@Suite struct UnsupportedPartsTests {
  @Test func allPartsStandInOneMessage() {
    var parts = UnsupportedParts()
    parts.add("Lambda", at: "a", "it holds code")
    parts.add("Lambda", at: "b", "it holds code")
    parts.add("Custom", at: "c")
    #expect {
      try parts.check(.keras)
    } throws: { error in
      let text = "\(error)"
      return text.contains("Lambda (it holds code; at 'a', 'b')") && text.contains("Custom")
    }
  }
}
