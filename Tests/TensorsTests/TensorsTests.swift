import Testing

@Suite struct TensorsTests {
  @Test func runs() {}
}
