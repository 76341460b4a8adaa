"""The pages of the admin that look at all of Nitro: the board, live sessions, remembered answers, providers."""
