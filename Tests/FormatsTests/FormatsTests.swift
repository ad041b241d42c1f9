import Testing

@Suite struct FormatsTests {
  @Test func runs() {}
}
