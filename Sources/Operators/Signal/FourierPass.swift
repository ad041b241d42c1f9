import Kernels

/// One pass of a mixed-radix transform: butterflies of one radix over all groups.
///
/// `from` is `[before, radix, rest]` and `to` is `[radix, before, rest]`. Element r of group g takes
/// part in a butterfly with the others of its column; result j is turned by `twiddles[j - 1, r]`.
struct FourierPass<T: Real> {
  typealias Pair = ComplexPair<T>
  let from: UnsafeMutablePointer<Pair>
  let to: UnsafeMutablePointer<Pair>
  let before: Int
  let rest: Int
  let twiddles: UnsafePointer<Pair>

  @inline(__always) private func load(_ radix: Int, _ g: Int, _ j: Int, _ r: Int) -> Pair {
    from[(g * radix + j) * rest + r]
  }
  @inline(__always) private func store(_ g: Int, _ j: Int, _ r: Int, _ v: Pair) {
    // The first column is not turned: a product with 1 would spoil infinities.
    to[(j * before + g) * rest + r] = j == 0 || r == 0 ? v : v * twiddles[(j - 1) * rest + r]
  }

  func two() {
    for g in 0..<before {
      for r in 0..<rest {
        let (a, b) = (load(2, g, 0, r), load(2, g, 1, r))
        store(g, 0, r, a + b)
        store(g, 1, r, a - b)
      }
    }
  }

  func three() {
    let s = T(-0.86602540378443864676)
    for g in 0..<before {
      for r in 0..<rest {
        let a = load(3, g, 0, r)
        let (b, c) = (load(3, g, 1, r), load(3, g, 2, r))
        let (sum, turned) = (b + c, (b - c).turned * s)
        let middle = a + sum * T(-0.5)
        store(g, 0, r, a + sum)
        store(g, 1, r, middle + turned)
        store(g, 2, r, middle - turned)
      }
    }
  }

  func four() {
    for g in 0..<before {
      for r in 0..<rest {
        let (a, b) = (load(4, g, 0, r), load(4, g, 1, r))
        let (c, d) = (load(4, g, 2, r), load(4, g, 3, r))
        let (even, odd) = (a + c, b + d)
        let (difference, turned) = (a - c, (b - d).turned)
        store(g, 0, r, even + odd)
        store(g, 1, r, difference - turned)
        store(g, 2, r, even - odd)
        store(g, 3, r, difference + turned)
      }
    }
  }

  func five() {
    let (c1, s1) = (T(0.30901699437494742410), T(-0.95105651629515357212))
    let (c2, s2) = (T(-0.80901699437494742410), T(-0.58778525229247312917))
    for g in 0..<before {
      for r in 0..<rest {
        let a = load(5, g, 0, r)
        let (b, e) = (load(5, g, 1, r), load(5, g, 4, r))
        let (c, d) = (load(5, g, 2, r), load(5, g, 3, r))
        let (outer, inner) = (b + e, c + d)
        let (outerGap, innerGap) = (b - e, c - d)
        store(g, 0, r, a + outer + inner)
        let near = a + outer * c1 + inner * c2
        let nearTurned = (outerGap * s1 + innerGap * s2).turned
        store(g, 1, r, near + nearTurned)
        store(g, 4, r, near - nearTurned)
        let far = a + outer * c2 + inner * c1
        let farTurned = (outerGap * s2 - innerGap * s1).turned
        store(g, 2, r, far + farTurned)
        store(g, 3, r, far - farTurned)
      }
    }
  }

  /// Any odd prime, by the definition: `roots[j]` is `exp(-2 pi i j / p)`.
  func prime(_ p: Int, _ roots: UnsafePointer<Pair>) {
    for g in 0..<before {
      for r in 0..<rest {
        for j in 0..<p {
          var sum = load(p, g, 0, r)
          var at = 0
          for m in 1..<p {
            at += j
            if at >= p { at -= p }
            sum = sum + (at == 0 ? load(p, g, m, r) : load(p, g, m, r) * roots[at])
          }
          store(g, j, r, sum)
        }
      }
    }
  }
}
