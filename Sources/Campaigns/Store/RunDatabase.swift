// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation
import GRDB

/// A store of runs, designs and what was made of them: one file of SQLite that several processes share.
///
/// A transaction that was committed survives the process, whenever that is killed; what was not is not there. Runs
/// are kept by what determines them (`RunKey`), so every command and every design shares them.
package final class RunDatabase: Sendable {
  /// The file's name, for messages; `memory` where there is none.
  package let name: String
  let queue: DatabaseQueue

  /// How a store is opened.
  package enum Access: Hashable, Sendable {
    /// It is made where there is none.
    case create
    /// It is there, and is written to.
    case write
    /// It is there, and not a byte of it changes.
    case read
  }

  /// How long a process waits for another's transaction, in seconds.
  private static let patience = 60.0

  /// A store that ends with the process.
  package init() throws(CampaignError) {
    name = "memory"
    do {
      queue = try DatabaseQueue()
      try queue.writeWithoutTransaction { try RunSchema.prepare($0) }
    } catch {
      throw Self.sentence(error, "memory")
    }
  }

  /// Opens a store.
  ///
  /// - Throws: `file` with a sentence, the file as it was: none there, no store, one of a later version, one that the
  ///   system does not give.
  package init(_ path: String, access: Access = .create) throws(CampaignError) {
    name = path
    try Self.requireStore(path, access)
    var configuration = Configuration()
    configuration.readonly = access == .read
    configuration.busyMode = .timeout(Self.patience)
    configuration.label = "runs"
    do {
      if access != .read { try Self.prepare(path, configuration) }
      configuration.prepareDatabase { database in
        // A file that somebody else wrote is data, not a program.
        try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        guard access != .read else { return }
        try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
      }
      queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.read { database in
        try Self.requireVersion(database, path)
        guard try RunSchema.version(of: database) > 0 else {
          throw CampaignError.file(
            name: path,
            reason: "the file is empty; 's2tune campaign run' begins a store"
          )
        }
      }
    } catch {
      throw Self.sentence(error, path)
    }
  }

  /// Makes the tables, or brings those of an earlier form forward.
  ///
  /// This is done without a log beside the file, so that the file itself says at once what it is.
  private static func prepare(_ path: String, _ configuration: Configuration) throws {
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.writeWithoutTransaction { database in
      try requireVersion(database, path)
      try RunSchema.prepare(database)
    }
    try queue.close()
  }

  /// Refuses a file that is no store before SQLite sees it.
  private static func requireStore(_ path: String, _ access: Access) throws(CampaignError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard access == .create else {
        throw .file(name: path, reason: "there is no store; 's2tune campaign run' begins one")
      }
      return
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .file(name: path, reason: "this is no file; a store is one")
    }
    guard status.st_size > 0 else { return }
    let number = open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else {
      throw .file(name: path, reason: "cannot be read: \(String(cString: strerror(errno)))")
    }
    let file = Descriptor(number, named: path)
    defer { close(number) }
    let head: Data
    do throws(FileError) { head = try file.read(100) } catch {
      throw .file(name: path, reason: "cannot be read")
    }
    let isOurs =
      head.starts(with: Data("SQLite format 3\0".utf8)) && head.count == 100
      && head[68..<72].reduce(Int64(0)) { $0 << 8 | Int64($1) } == RunSchema.application
    guard isOurs else { throw .file(name: path, reason: notOurs) }
  }

  private static let notOurs = "this is no store of runs; name another, it stays as it is"

  /// Refuses a store of a later form.
  private static func requireVersion(_ database: Database, _ path: String) throws {
    let version = try RunSchema.version(of: database)
    guard version <= RunSchema.version else {
      throw CampaignError.file(
        name: path,
        reason: "the store has form \(version); this s2tune knows forms to \(RunSchema.version)"
      )
    }
  }

  /// Runs a transaction that reads.
  func reading<Value>(_ body: (Database) throws -> Value) throws(CampaignError) -> Value {
    do { return try queue.read(body) } catch { throw Self.sentence(error, name) }
  }

  /// Runs a transaction that writes; where it throws, nothing of it happened.
  func writing<Value>(_ body: (Database) throws -> Value) throws(CampaignError) -> Value {
    do { return try queue.write(body) } catch { throw Self.sentence(error, name) }
  }

  /// What an error of SQLite means to the user.
  private static func sentence(_ error: any Error, _ path: String) -> CampaignError {
    if let error = error as? CampaignError { return error }
    guard let error = error as? DatabaseError else {
      return .file(name: path, reason: "what it holds of a campaign is damaged")
    }
    let reason =
      switch error.resultCode {
      case .SQLITE_FULL: "cannot be written: the disk is full; what was kept before stays"
      case .SQLITE_READONLY, .SQLITE_PERM:
        "cannot be written: the file or its directory is read-only"
      case .SQLITE_CORRUPT:
        "a page of it is damaged; 'sqlite3 FILE .recover | sqlite3 NEW' saves what can be read"
      case .SQLITE_NOTADB: notOurs
      case .SQLITE_BUSY, .SQLITE_LOCKED: "another process has kept it locked for \(Int(patience)) s"
      case .SQLITE_CANTOPEN: "cannot be opened: no such directory, or it may not be read"
      case .SQLITE_IOERR: "cannot be read or written: the disk reports an error"
      default: "\(error.message ?? "error \(error.resultCode.rawValue)")"
      }
    return .file(name: path, reason: reason)
  }
}
