// SPDX-License-Identifier: GPL-3.0-or-later

import Events
import Machine
package import Observations
package import Operations
import Quantities

extension Scenario {
  /// Runs the scenario and returns beside the report what every context did in a stretch of it.
  ///
  /// The report is the one of `run()`. There is no timeline of storms of faults, and none where so much
  /// happened in the stretch that not all of it is kept.
  package func run(
    watching span: TimelineSpan
  ) throws(OperationError) -> (report: RunReport, timeline: Timeline?) {
    var traced = self
    traced.traceLimit = Self.watchedRecords
    traced.traceEnd = warmUp - span.lead + span.length
    let (report, trace) = try traced.runTraced()
    guard trace.omitted == 0, !trace.records.isEmpty else { return (report, nil) }
    return (report, Timeline(trace, span, operation: warmUp))
  }

  /// Records of a watched stretch that are kept at most: 160 MB.
  private static let watchedRecords = 4_000_000

  /// How long the machine runs before the operation starts.
  private var warmUp: Nanoseconds {
    switch extent {
    case .exact: MachineInput.standardWarmUp
    case .window(let window): window.warmUp
    case .fast(let fast): fast.window.warmUp
    }
  }
}

extension Timeline {
  /// What a trace says of a stretch of it; lanes without a record in the whole trace are left out.
  init(_ trace: Trace, _ span: TimelineSpan, operation: Nanoseconds) {
    let begin = (operation - span.lead).rawValue
    var values = Lane.allCases.map { _ in [Double](repeating: 0, count: span.count) }
    var isSeen = Lane.allCases.map { _ in false }
    for record in trace.records {
      guard let lane = Lane(record), let place = Lane.allCases.firstIndex(of: lane) else {
        continue
      }
      isSeen[place] = true
      let start = record.start.sinceStart.rawValue - begin
      if lane.isCounted {
        let step = start / span.step.rawValue
        guard start >= 0, step < Int64(span.count) else { continue }
        values[place][Int(step)] += Double(record.value)
      } else {
        values[place].cover(start..<(start + record.length.rawValue), step: span.step.rawValue)
      }
    }
    let tracks = Lane.allCases.indices.filter { isSeen[$0] }.map { place in
      Track(lane: Lane.allCases[place], values: values[place].map { $0.roundedToFour })
    }
    self.init(start: .zero - span.lead, step: span.step, tracks: tracks)
  }
}

extension Timeline.Lane {
  /// Whether values are counts of what happened, not shares of the time.
  fileprivate var isCounted: Bool { self == .reader || self == .drops }

  /// The lane of a record; nil for marks of what is in no lane.
  fileprivate init?(_ record: TraceRecord) {
    switch MachineTrace.tracks[record.track] {
    case "walker": self = .walker
    case "lock": self = .lock
    case "hardInterrupt": self = .hardInterrupt
    case "softirq": self = .softirq
    case "ksoftirqd": self = .softirqThread
    case "reader": self = .reader
    case "ring": self = .drops
    default: return nil
    }
    guard isCounted || record.length > .zero else { return nil }
  }
}

extension [Double] {
  /// Adds to each step the share of it that a range covers.
  fileprivate mutating func cover(_ range: Range<Int64>, step: Int64) {
    let (low, high) = (
      Swift.max(0, range.lowerBound), Swift.min(range.upperBound, step * Int64(count))
    )
    guard low < high else { return }
    for place in low / step...(high - 1) / step {
      let part = Swift.min(high, (place + 1) * step) - Swift.max(low, place * step)
      self[Int(place)] += Double(part) / Double(step)
    }
  }
}

extension Double {
  /// The value with four decimals, so that documents do not carry sums' last bits.
  fileprivate var roundedToFour: Double { (self * 10_000).rounded() / 10_000 }
}
