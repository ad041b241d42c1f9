import Testing

@Suite struct LayoutTests {
  @Test func runs() {}
}
