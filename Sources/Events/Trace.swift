// SPDX-License-Identifier: GPL-3.0-or-later

public import Quantities

/// A span or a mark on one track of a trace.
public struct TraceRecord: Hashable, Sendable {
  /// The track, as the emitter numbers them.
  public var track: Int
  /// What happened, as the emitter numbers names.
  public var name: Int
  /// When it began.
  public var start: Instant
  /// How long it lasted; zero for a mark.
  public var length: Nanoseconds
  /// A value to show beside it: packets of a poll, bytes of a read.
  public var value: Int64

  /// Creates a record.
  public init(track: Int, name: Int, start: Instant, length: Nanoseconds, value: Int64 = 0) {
    self.track = track
    self.name = name
    self.start = start
    self.length = length
    self.value = value
  }
}

/// A bounded list of records; what does not fit is counted and left out.
public struct Trace: Sendable {
  /// How many records are kept at most.
  public let limit: Int
  /// Records that begin then or later are neither kept nor counted; nil takes all.
  public let end: Instant?
  /// The records in the order they were added.
  public private(set) var records: [TraceRecord] = []
  /// How many did not fit.
  public private(set) var omitted: Int64 = 0

  /// Creates an empty trace that keeps at most `limit` records that begin before an instant; zero keeps
  /// none.
  public init(limit: Int, until end: Instant? = nil) { (self.limit, self.end) = (limit, end) }

  /// Whether anything is kept at all.
  public var isOn: Bool { limit > 0 }

  /// Adds a record, if it begins in time and there is room.
  public mutating func add(_ record: TraceRecord) {
    if let end, record.start >= end { return }
    guard records.count < limit else {
      omitted += 1
      return
    }
    records.append(record)
  }
}
