// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

@testable import PageTables

extension NaiveTable {
  /// A table with the entries of a fast one, each an object of its own.
  convenience init(_ table: Table) {
    self.init(level: table.level, size: table.size)
    for run in table.runs where run.entry != .hole {
      for index in run.start..<run.end {
        references += 1
        switch run.entry {
        case .hole: break
        case .annotated: slots[index] = .annotated
        case .leaf(let state): slots[index] = .leaf(state)
        case .table(let child): slots[index] = .table(NaiveTable(child))
        }
      }
    }
  }
}

extension NaiveTwin {
  /// The same tables as the fast ones hold.
  convenience init(copying tables: StageTwo) {
    self.init(geometry: tables.geometry)
    var index = 0
    for run in tables.root.runs {
      for _ in 0..<run.count {
        if case .table(let page) = run.entry { roots[index] = NaiveTable(page) }
        index += 1
      }
    }
  }
}

extension StageTwo {
  /// The same runs as the twin's layout.
  func layout() -> [LayoutRun] {
    var runs: [LayoutRun] = []
    describe(root, 0, into: &runs)
    return runs
  }

  private func describe(_ table: Table, _ base: Int64, into runs: inout [LayoutRun]) {
    let bytes = Int64(1) << Int64(geometry.granule.shift(level: table.level))
    for run in table.runs where run.entry != .hole {
      let address = base + Int64(run.start) * bytes
      guard let child = run.entry.child else {
        var kind = 0
        if case .leaf(let state) = run.entry { kind = LayoutRun.kind(state) }
        runs.add(
          LayoutRun(address: address, level: table.level, kind: kind, count: run.count),
          bytes
        )
        continue
      }
      for index in 0..<Int64(run.count) {
        let start = address + index * bytes
        if table.level >= geometry.startLevel {
          runs.append(LayoutRun(address: start, level: table.level, kind: 1))
        }
        describe(child, start, into: &runs)
      }
    }
  }
}
