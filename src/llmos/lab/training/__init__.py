"""Learning: one loop for every task; a task says what to predict, a recipe says how."""
