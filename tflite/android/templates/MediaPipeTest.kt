
    @Test
    fun mediaPipeNamesTheGoldenClass() {
        @NAME@MediaPipe(app, most = 1).use { classifier ->
            for (name in names) {
                val wanted = expected(name)
                // None where the file has a threshold and no class reaches it.
                for (first in classifier.classify(pixels(name))) {
                    val missing = wanted.maxOrNull()!! - wanted[first.index]
                    assertTrue("$name is ${first.label}", missing <= @NAME@.TOLERANCE)
                }
            }
        }
    }
