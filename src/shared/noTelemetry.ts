/**
 * Imported before ONNX Runtime by whoever opens sessions: its official builds report sessions to their maker unless
 * this variable is set. posecast sends nothing anywhere but traces, and those only to where its user says.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';
