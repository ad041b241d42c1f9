import Graphs
import Testing

@Suite struct BroadcastTests {
  /// Tables of positions cut to the length of the text: the cut is no bound where they fit.
  @Test func aBoundedSizeIsTheSizeItMeets() throws {
    let s = Dim(symbol: "s")
    let cut = Dim.min(64, s)
    #expect(try broadcast([s, 8], [cut, 8]) == [s, 8])
    #expect(try broadcast([1, cut], [2, s]) == [2, s])
    let longer = s + 3
    #expect(try broadcast([longer], [Dim.min(longer, 512)]) == [longer])
  }

  @Test func otherBoundsStayOpen() throws {
    let (s, t) = (Dim(symbol: "s"), Dim(symbol: "t"))
    // Cut to 1, any size fits.
    #expect(try broadcast([s], [Dim.min(1, s)]) != [s])
    #expect(try broadcast([s], [Dim.min(64, t)]) != [s])
  }
}
