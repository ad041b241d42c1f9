import DLTrain
import Testing

@Suite struct CoreTests {
  @Test func dense() throws {
    let d = Dense(3)
    #expect(try d(.ones([2, 4])).shape == [2, 3])
  }
}
