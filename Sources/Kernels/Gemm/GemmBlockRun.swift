import CKernels

extension GemmPlan {
  /// A block of rows and columns: all of their sums, one depth after the other.
  func runBlock(
    row: Int, column: Int, threads: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ c: UnsafeMutableRawPointer, _ addend: UnsafeRawPointer?, _ residual: UnsafeRawPointer?,
    packedRight: UnsafeRawPointer, own: UnsafeMutableRawPointer
  ) {
    let es = element.byteSize
    let block = own + panelBytes
    let (strips, panels) = (kernel.strips(m), kernel.panels(n))
    let (s0, s1) = (row * strips / rowBlocks, (row + 1) * strips / rowBlocks)
    let (p0, p1) = (column * panels / columnBlocks, (column + 1) * panels / columnBlocks)
    let (top, bottom) = (s0 * m / strips, s1 * m / strips)
    // After the last panel of these rows come the next ones of the thread.
    let isDone = column + 1 == columnBlocks && row + 1 < rowBlocks && readsA && self.a.row == k
    let isOwn = (row + 1) * threads / rowBlocks == row * threads / rowBlocks
    let end = min(row + 2, rowBlocks) * strips / rowBlocks * m / strips
    let wanted = isDone && isOwn ? (a + bottom * k * es, end - bottom) : nil
    var k0 = 0
    repeat {
      let kc = min(depth, k - k0)
      var left = LeftBlock(
        base: a + (top * self.a.row + k0 * self.a.column) * es, row: self.a.row,
        step: self.a.column, top: top, bottom: bottom)
      if let packedA {
        left = LeftBlock(
          base: UnsafeRawPointer(packedA.bytes) + top * k * es, strips: strips, of: m, first: s0,
          until: s1, depth: k, offset: k0)
      } else if !readsA {
        // Turned, strips share lines: all take a few steps of the sum before the next ones are read.
        let steps = self.a.row == 1 ? 16 : kc
        for first in stride(from: 0, to: kc, by: max(1, steps)) {
          for s in s0..<s1 {
            let (r0, r1) = (s * m / strips, (s + 1) * m / strips)
            pack(
              block + ((r0 - top) * kc + first * (r1 - r0)) * es, width: r1 - r0,
              from: a + (r0 * self.a.row + (k0 + first) * self.a.column) * es, count: r1 - r0,
              across: self.a.row, k: min(steps, kc - first), along: self.a.column, byteSize: es,
              isa: isa)
          }
        }
        left = LeftBlock(
          base: UnsafeRawPointer(block), strips: strips, of: m, first: s0, until: s1, depth: kc,
          offset: 0)
      }
      runDepth(
        left, panels: p0..<p1, k0..<k0 + kc, b, c, addend, residual, packedRight: packedRight,
        kept: keepsB ? own : nil, following: kc == k ? wanted : nil)
      k0 += kc
    } while k0 < k
  }

  /// One depth of the sums of a block.
  private func runDepth(
    _ left: LeftBlock, panels: Range<Int>, _ sum: Range<Int>, _ b: UnsafeRawPointer,
    _ c: UnsafeMutableRawPointer, _ addend: UnsafeRawPointer?, _ residual: UnsafeRawPointer?,
    packedRight: UnsafeRawPointer, kept: UnsafeMutableRawPointer?,
    following: (left: UnsafeRawPointer, rows: Int)?
  ) {
    let es = element.byteSize
    let (k0, kc) = (sum.lowerBound, sum.count)
    withUnsafeBytes(of: post?.function?.parameters) { parameters in
      var e = dl_gemm_epilogue(epilogue, post)
      e.parameters = parameters.baseAddress?.assumingMemoryBound(to: Double.self)
      e.accumulate = k0 > 0 ? 1 : 0
      e.final = k0 + kc >= k ? 1 : 0
      let inPlace = readsB || kept != nil
      let (near, far) = (kernel.nr * es, self.b.row * es)
      for p in panels {
        let c0 = p * kernel.nr
        let width = min(kernel.nr, n - c0)
        let right =
          inPlace ? b + (k0 * self.b.row + c0) * es : packedRight + (c0 * k + k0 * kernel.nr) * es
        let strips = left.strips(kernel, width: width, es)
        // While this panel is worked on, the next one comes in, each strip fetching its part: of
        // packed ones as many lines after each other, of a matrix two lines of every row.
        let isFollowed = !readsB && p + 1 < panels.upperBound && strips > 1
        e.next_step = !isFollowed ? 0 : kept == nil ? (near / strips + 3) & ~3 : far
        let apart = kept == nil ? e.next_step * kc : 128
        let ahead = right + (kept == nil ? near * k : near)
        let isLast = p + 1 == panels.upperBound
        if isLast, let following { e.next_step = (following.rows * es / strips + 3) & ~3 }
        for s in 0..<strips {
          let (r0, count, address, row, step) = left.strip(s, of: strips, es)
          e.addend = addend.map {
            $0 + (r0 * epilogue.addend.row + c0 * epilogue.addend.column) * es
          }
          e.residual = residual.map { $0 + (r0 * e.residual_row + c0) * es }
          e.next = isFollowed && (kept == nil || s * apart < near) ? ahead + s * apart : nil
          if isLast, let following { e.next = following.left + s * e.next_step * kc }
          // Nobody has fetched the first panel, nor others where there is a single strip.
          e.far = s == 0 && (p == panels.lowerBound || strips == 1) ? 1 : 0
          let to = c + (r0 * self.c + c0) * es
          if let kept {
            if s > 0 {
              kernel.tile(count, width, kc, address, row, step, kept, kernel.nr, to, self.c, &e)
            } else {
              kernel.keepingTile?(
                count, width, kc, address, row, step, right, self.b.row, to, self.c, kept, &e)
            }
          } else {
            kernel.tile(
              count, width, kc, address, row, step, right, readsB ? self.b.row : kernel.nr, to,
              self.c, &e)
          }
        }
      }
    }
  }
}
