import Testing

@Suite struct GraphsTests {
  @Test func runs() {}
}
