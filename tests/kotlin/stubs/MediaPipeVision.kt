// Signatures of https://ai.google.dev/edge/api/mediapipe/java/com/google/mediapipe/tasks/vision
package com.google.mediapipe.tasks.vision.core

enum class RunningMode { IMAGE, VIDEO, LIVE_STREAM }
