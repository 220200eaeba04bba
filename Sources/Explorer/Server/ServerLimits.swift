// SPDX-License-Identifier: GPL-3.0-or-later

/// What a client may take of the server; each limit stands next to what it bounds.
package struct ServerLimits: Sendable {
  /// Bytes of a request line with its headers.
  package var head = 16 << 10
  /// Header lines of a request.
  package var headers = 64
  /// Bytes of a request's body.
  package var body = 8 << 20
  /// Bytes of a body over which it counts as an upload, of which few are taken at a time.
  package var upload = 64 << 10
  /// Uploads at a time.
  package var uploads = 4
  /// Connections at a time; more are closed without an answer.
  package var connections = 512
  /// Time between two requests of a connection.
  package var idle = Duration.seconds(60)
  /// Time from the first byte of a request to the end of its headers.
  package var headTime = Duration.seconds(10)
  /// Time of a body.
  package var bodyTime = Duration.seconds(30)
  /// Time in which a client takes one piece of an answer.
  package var writeTime = Duration.seconds(30)
  /// Quick answers that are computed at a time: predictions.
  package var quick = 2
  /// Quick answers that wait for their turn.
  package var quickQueue = 512
  /// Long answers that are computed at a time: runs and recommendations.
  package var long = 1
  /// Long answers that wait for their turn.
  package var longQueue = 8
  /// Time of a long answer, its wait not included.
  package var longTime = Duration.seconds(900)

  /// The limits of a server for one person and their scripts.
  package init() {}
}
