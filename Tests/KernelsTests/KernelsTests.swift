import Testing

@Suite struct KernelsTests {
  @Test func runs() {}
}
