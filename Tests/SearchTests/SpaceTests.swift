// SPDX-License-Identifier: GPL-3.0-or-later

import Randomness
import Search
import TestSupport
import Testing

/// A small builder of dimensions: sizes matter only for rules that take one.
func exampleDimensions() -> [Dimension] {
  [
    Dimension("rule", levels: [Level("root"), Level("fixed"), Level("aware")]),
    Dimension(
      "size",
      levels: [Level("1", at: 0), Level("2", at: 1), Level("4", at: 2)],
      when: [Condition("rule", in: ["fixed", "aware"])]
    ),
    Dimension("flush", levels: [Level("leaf"), Level("late"), Level("some")]),
    Dimension(
      "span",
      levels: [Level("call"), Level("leaves")],
      when: [Condition("flush", in: ["some"])]
    ),
  ]
}

func exampleSpace() throws -> Space {
  try Space(
    exampleDimensions(),
    rewrites: [
      Rewrite(
        when: [Condition("rule", in: ["fixed"]), Condition("size", in: ["4"])],
        to: [("rule", "root")]
      ),
      Rewrite(forbidding: [Condition("rule", in: ["aware"]), Condition("flush", in: ["leaf"])]),
    ]
  )
}

@Suite struct SpaceTests {
  @Test func countsCanonicalPoints() throws {
    // root: 1; fixed: 2 (4 is root); aware: 3 without "leaf". Flush: leaf, late, some x 2.
    #expect(try exampleSpace().count == 1 * 4 + 2 * 4 + 3 * 3)
  }

  @Test func enumerationEqualsCanonicalFormsOfTheWholeProduct() throws {
    let space = try exampleSpace()
    var naive: [Point] = []
    for rule in 0..<3 {
      for size in 0..<3 {
        for flush in 0..<3 {
          for span in 0..<2 {
            let point = Point(levels: [rule, size, flush, span])
            if let canonical = try space.canonical(point), !naive.contains(canonical) {
              naive.append(canonical)
            }
          }
        }
      }
    }
    #expect(Set(naive) == Set(space.points))
    #expect(naive.count == space.count)
    for (index, point) in space.points.enumerated() {
      #expect(space.index(of: point) == index)
      #expect(try space.canonical(point) == point)
    }
  }

  @Test func labelsReadBack() throws {
    let space = try exampleSpace()
    for point in space.points {
      #expect(try space.point(labels: space.labels(of: point)) == point)
    }
    #expect(try space.point(labels: [("rule", "aware"), ("flush", "leaf")]) == nil)
    let rewritten = try #require(try space.point(labels: [("rule", "fixed"), ("size", "4")]))
    #expect(space.labels(of: rewritten).map(\.label) == ["root", "leaf"])
  }

  @Test func refusesWhatNamesNothing() {
    let twice = [Level("a"), Level("a")]
    #expect(throws: SpaceError.duplicate(name: "x=a")) {
      try Space([Dimension("x", levels: twice)])
    }
    #expect(throws: SpaceError.noLevels(dimension: "x")) { try Space([Dimension("x", levels: [])]) }
    #expect(throws: SpaceError.unknownDimension(name: "y", legal: ["x"])) {
      try Space([
        Dimension("x", levels: [Level("a")]),
        Dimension("z", levels: [Level("a")], when: [Condition("y", in: ["a"])]),
      ])
    }
    #expect(throws: SpaceError.unknownLevel(dimension: "rule", label: "odd", legal: ["root"])) {
      try Space([Dimension("rule", levels: [Level("root")])]).point(labels: [("rule", "odd")])
    }
  }

  @Test func rulesThatChaseEachOtherAreReported() {
    let flip = [
      Rewrite(when: [Condition("x", in: ["a"])], to: [("x", "b")]),
      Rewrite(when: [Condition("x", in: ["b"])], to: [("x", "a")]),
    ]
    #expect(throws: SpaceError.self) {
      try Space([Dimension("x", levels: [Level("a"), Level("b")])], rewrites: flip)
    }
  }

  @Test func anEmptySpaceIsLegal() throws {
    #expect(try Space([]).count == 0)
  }
}
