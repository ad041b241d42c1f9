import Converters
import Testing

/// Models of TensorFlow Lite 2.21, made by `tools/oracle/convert/tflite_models.py` and
/// `tflite_built.py` there.
@Suite struct TFLiteCaseTests {
  @Test(arguments: Case.all("TFLite")) func givesWhatTheInterpreterGives(_ c: Case) throws {
    try c.check()
  }

  @Test func thereAreCases() { #expect(Case.all("TFLite").count > 20) }
}
