// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
import Foundation
package import Observations
import Search

/// What differs between runs that are alike but for one thing: the kernel, the host, the policy, or the simulator that
/// two campaigns were made with.
///
/// Runs are paired by everything else, their seed included, so that the interval of a change is that of the pairs'
/// changes and not of the runs.
package struct CampaignComparison: Hashable, Sendable, Codable {
  /// What the sides differ in.
  package enum ComparedBy: String, Hashable, Sendable, Codable, CaseIterable {
    case kernel, host, policy
    /// Two campaigns.
    case campaign
  }

  /// A response of one side beside that of the first.
  package struct Cell: Hashable, Sendable, Codable {
    /// Runs that have a pair on the first side.
    package let pairs: Int
    /// The mean over the runs, in the response's unit.
    package let mean: Double
    /// The change from the first side: a factor of times, a difference of shares and counts; nil for the first side.
    package let change: Double?
    /// The lower end of the 95 % interval of the change; nil below two pairs.
    package let low: Double?
    /// The upper end.
    package let high: Double?

    enum CodingKeys: String, CodingKey {
      case pairs = "pair_count"
      case mean, change, low, high
    }
  }

  /// A response of what both sides have in common.
  package struct Row: Hashable, Sendable, Codable {
    /// What it is of: the workload, and host and policy where there are several.
    package let subject: String
    /// The response.
    package let response: Response
    /// A cell a side, in the order of the sides; nil where the side has no such run.
    package let cells: [Cell?]
  }

  /// What the sides differ in.
  package let axis: ComparedBy
  /// The sides; all are held against the first.
  package let sides: [String]
  /// The rows, workload by workload.
  package let rows: [Row]
  /// Runs of either side that have no pair.
  package let unpaired: Int

  enum CodingKeys: String, CodingKey {
    case axis, sides, rows
    case unpaired = "unpaired_run_count"
  }
}

extension CampaignComparison.Cell {
  /// How large the change is, whatever its direction: the logarithm of a factor, or a difference.
  package func size(of response: Response) -> Double {
    guard let change else { return 0 }
    return response.unit == .nanoseconds ? abs(log(max(change, 1e-12))) : abs(change)
  }

  /// Whether a reader wants to know: the change is clear, and at least one per cent of a time, half a point of a share,
  /// or half of one that is counted.
  package func isNotable(_ response: Response) -> Bool {
    let least = response.unit == .nanoseconds ? log(1.01) : response.unit == .share ? 0.005 : 0.5
    return isClear(response) && size(of: response) >= least
  }

  /// Whether the interval leaves out that nothing changed.
  package func isClear(_ response: Response) -> Bool {
    guard let low, let high else { return false }
    let none = response.unit == .nanoseconds ? 1.0 : 0
    return low > none || high < none
  }
}

extension CampaignComparison {
  /// A run with what it is paired by.
  private struct Key: Hashable {
    let subject: String
    let rest: String
  }

  /// Compares the runs of one campaign by one of the names of its grid.
  package init(_ runs: [StoredRun], by axis: ComparedBy, base: String?) throws(TuningError) {
    let all = runs.map { Self.name(of: $0, axis) }
    var sides: [String] = []
    for name in all where !sides.contains(name) { sides.append(name) }
    sides.sort { $0.compare($1, options: .numeric) == .orderedAscending }
    if axis == .policy { sides = all.reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
    if let base {
      guard let place = sides.firstIndex(of: base) else {
        throw .illegalValue("--base \(base) is none of \(sides.joined(separator: ", "))")
      }
      sides.insert(sides.remove(at: place), at: 0)
    }
    guard sides.count > 1 else {
      throw .illegalValue(
        "all runs have the \(axis.rawValue) \(sides.first ?? "none"); there is nothing to compare"
      )
    }
    guard !runs.contains(where: \.asked.isEmpty) else {
      throw .illegalValue(
        "the campaign is a draw, whose points differ in everything; a grid (campaign run --policy) has pairs"
      )
    }
    self.init(axis, sides, sides.map { side in zip(runs, all).filter { $0.1 == side }.map(\.0) })
  }

  /// Compares two campaigns, point by point.
  package init(
    _ first: (name: String, runs: [StoredRun]),
    _ second: (name: String, runs: [StoredRun])
  ) {
    self.init(.campaign, [first.name, second.name], [first.runs, second.runs])
  }

  private static func name(of run: StoredRun, _ axis: ComparedBy) -> String {
    switch axis {
    case .kernel: run.identity.kernel
    case .host: run.identity.host
    case .policy: run.asked
    case .campaign: ""
    }
  }

  private init(_ axis: ComparedBy, _ sides: [String], _ runs: [[StoredRun]]) {
    (self.axis, self.sides) = (axis, sides)
    let all = runs.joined()
    // A name in which each side has one value, and another than the other side, is what is compared.
    func varies(_ name: (StoredRun) -> String) -> Bool {
      let values = runs.map { Set($0.map(name)) }
      return !(values.allSatisfy { $0.count == 1 } && Set(values).count > 1)
    }
    let isGrid = !all.contains { $0.asked.isEmpty }
    let paired: [(axis: ComparedBy, name: (StoredRun) -> String)] = [
      (.host, { $0.identity.host }), (.kernel, { $0.identity.kernel }), (.policy, { $0.asked }),
    ].filter { $0.0 != axis && varies($0.1) }
    let shown = paired.filter { part in Set(all.map(part.name)).count > 1 }
    func key(_ run: StoredRun) -> Key {
      let subject =
        isGrid ? ([run.identity.workload] + shown.map { $0.name(run) }) : [run.identity.workload]
      let rest = isGrid ? paired.map { $0.name(run) } + ["\(run.replicate)"] : ["\(run.index)"]
      return Key(subject: subject.joined(separator: ", "), rest: rest.joined(separator: "\u{1F}"))
    }
    let tables = runs.map { side in Dictionary(side.map { (key($0), $0) }) { first, _ in first } }
    var subjects: [String] = []
    for run in all {
      let subject = key(run).subject
      if subjects.last != subject, !subjects.contains(subject) { subjects.append(subject) }
    }
    let keys = Dictionary(grouping: Set(tables.flatMap(\.keys)), by: \.subject)
    rows = subjects.flatMap { subject in
      let own = (keys[subject] ?? []).sorted { $0.rest < $1.rest }
      return Response.allCases.compactMap { response in
        Self.row(subject, response, own.map { key in tables.map { $0[key]?.numbers[response] } })
      }
    }
    unpaired = Set(tables.flatMap(\.keys)).count { key in tables.contains { $0[key] == nil } }
  }

  /// A row from the values of each pair, side by side; nil where no side has the response.
  private static func row(_ subject: String, _ response: Response, _ values: [[Double?]]) -> Row? {
    guard let sides = values.first?.count, values.contains(where: { $0.contains { $0 != nil } })
    else { return nil }
    let cells = (0..<sides).map { side -> Cell? in
      let own = values.compactMap { $0[side] }
      guard !own.isEmpty else { return nil }
      let mean = own.reduce(0, +) / Double(own.count)
      guard side > 0 else {
        return Cell(pairs: own.count, mean: mean, change: nil, low: nil, high: nil)
      }
      let pairs = values.compactMap { pair in
        pair[0].flatMap { first in pair[side].map { (first, $0) } }
      }
      return cell(response, mean, pairs)
    }
    return Row(subject: subject, response: response, cells: cells)
  }

  private static func cell(_ response: Response, _ mean: Double, _ pairs: [(Double, Double)])
    -> Cell
  {
    let isFactor = response.unit == .nanoseconds
    let legal = isFactor ? pairs.filter { $0.0 > 0 && $0.1 > 0 } : pairs
    guard !legal.isEmpty else {
      return Cell(pairs: 0, mean: mean, change: nil, low: nil, high: nil)
    }
    let changes = legal.map { isFactor ? log($0.1 / $0.0) : $0.1 - $0.0 }
    let middle = changes.reduce(0, +) / Double(changes.count)
    func back(_ value: Double) -> Double { isFactor ? exp(value) : value }
    guard changes.count > 1 else {
      return Cell(pairs: 1, mean: mean, change: back(middle), low: nil, high: nil)
    }
    let squares = changes.map { ($0 - middle) * ($0 - middle) }.reduce(0, +)
    let error = (squares / Double(changes.count - 1) / Double(changes.count)).squareRoot()
    let half = Quantiles.student(0.975, freedom: changes.count - 1) * error
    return Cell(
      pairs: changes.count,
      mean: mean,
      change: back(middle),
      low: back(middle - half),
      high: back(middle + half)
    )
  }

  /// The notable changes, one a row, the largest first: factors by how far they are from one, differences likewise.
  ///
  /// Of a row it is the first side that comes to nine tenths of the row's largest change: where it happened, not every side
  /// on which it stays.
  package func movers(_ count: Int) -> [(row: Row, side: String, cell: Cell)] {
    let found = rows.compactMap { row -> (row: Row, side: String, cell: Cell)? in
      let notable = zip(sides, row.cells).dropFirst().compactMap { side, cell in
        cell.flatMap { $0.isNotable(row.response) ? (side: side, cell: $0) : nil }
      }
      let largest = notable.map { $0.cell.size(of: row.response) }.max() ?? 0
      return notable.first { $0.cell.size(of: row.response) >= 0.9 * largest }
        .map { (row, $0.side, $0.cell) }
    }
    return Array(
      found.sorted { $0.cell.size(of: $0.row.response) > $1.cell.size(of: $1.row.response) }
        .prefix(count)
    )
  }
}
