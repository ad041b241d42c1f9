import Converters
import Testing

/// Models of TensorFlow 2.21, made by `tools/oracle/convert/tensorflow_models.py`.
@Suite struct TensorFlowCaseTests {
  @Test(arguments: Case.all("TensorFlow")) func givesWhatTensorFlowGives(_ c: Case) throws {
    try c.check()
  }

  @Test func thereAreCases() { #expect(Case.all("TensorFlow").count > 30) }

  @Test func atLeast200OperatorsAreConverted() {
    #expect(TensorFlowConverter.operators.count >= 200)
  }
}
