import Testing

@Suite struct OperatorsTests {
  @Test func runs() {}
}
