// SPDX-License-Identifier: GPL-3.0-or-later

public import Foundation

/// The root of the package, found from this file's place in it.
public let packageRoot = URL(filePath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The bytes of a captured file under `models/facts/captures`.
public func capture(_ path: String) throws -> [UInt8] {
  [UInt8](
    try Data(contentsOf: packageRoot.appending(path: "models/facts/captures/\(path)"))
  )
}
