import Testing

@Suite struct RuntimeTests {
  @Test func runs() {}
}
