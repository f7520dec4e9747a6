"""The results page: rows of one run or several, charts, words, and the HTML that holds them all."""
