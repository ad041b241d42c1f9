extension GemmPlan {
  /// Into how many blocks of rows, at least `least`, and of columns, of `narrowest` panels at
  /// least, a product falls: with several threads so that the last of them is done as early as
  /// possible, and otherwise into several for each, for threads that are kept waiting.
  ///
  /// Threads begin with their own stretch of the blocks, row by row. Where rows fill the threads,
  /// each reads the rows that it wrote in the product before from its own cache: two threads are
  /// then 1.9 to 2.0 times as fast as one, by columns 1.4 to 1.9.
  static func blocks(
    strips: Int, panels: Int, least: Int, threads: Int, narrowest: Int, mr: Int = 6
  ) -> (rows: Int, columns: Int) {
    guard threads > 1, strips > 0, panels > 0 else { return (least, 1) }
    let most = max(1, panels / narrowest)
    var best = (rows: least, columns: 1)
    var lowest = Double.infinity
    for rows in least...max(least, min(strips, least * threads * 2)) {
      for columns in 1...min(most, threads * 8) {
        let count = rows * columns
        // The way of a panel to the registers takes as long as some 20 rows.
        let height = max((strips + rows - 1) / rows * mr, 20)
        let block = height * ((panels + columns - 1) / columns)
        let end = Double((count + threads - 1) / threads * block)
        // Fewer than three blocks a thread wait for the slowest.
        let few = count < 3 * threads ? 1.03 : 1
        let apart = rows % threads == 0 ? 1 : 1.08
        let cost =
          end * few * apart * (1 + 0.004 * Double(rows - least) + 0.001 * Double(columns))
        if cost < lowest { (best, lowest) = ((rows, columns), cost) }
      }
    }
    return best
  }
}
